import type { Command } from 'commander';
import type { CliHost } from './session.ts';

/** The server reads its own arguments: all settings are flags of it. */
export function addServe(program: Command, host: CliHost): void {
  program
    .command('serve')
    .summary('start the server; serve --help lists its settings')
    .usage('[settings]')
    .argument('[settings...]')
    .helpOption(false)
    .allowUnknownOption()
    .action((settings: readonly string[]) => host.serve(settings));
}
