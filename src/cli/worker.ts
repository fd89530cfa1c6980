import type { Command } from 'commander';
import type { CliHost } from './session.ts';

/** The same tasks without an HTTP server, for serverless platforms. */
export function addWorker(program: Command, host: CliHost): void {
  program
    .command('worker')
    .summary('take work from a backend instead of serving HTTP: worker --backend runpod')
    .usage('--backend <name> [settings]')
    .argument('[settings...]')
    .helpOption(false)
    .allowUnknownOption()
    .action((settings: readonly string[]) => host.serve([...settings, '--deployment', 'serverless']));
}
