import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { TaskJson } from '../client/client.ts';
import { commentOf, keyText, typeOfSchema } from './schema-type.ts';
import { type CliHost, openSession } from './session.ts';

const EXAMPLE = `
Example:
  penstock types http://127.0.0.1:8000 -o penstock-tasks.ts

  import { createClient } from 'penstock/client';
  import type { Tasks } from './penstock-tasks.ts';
  const client = createClient<Tasks>({ url: 'http://127.0.0.1:8000' });
  const result = await client.tasks.pdf2image(file, { dpi: 150 });`;

/** `penstock types`: one TypeScript file, with no import but the client's. */
export function addTypes(program: Command, host: CliHost): void {
  program
    .command('types')
    .summary("TypeScript types of a server's tasks")
    .description('Writes the types of all tasks of a running server, for createClient<Tasks>().')
    .argument('[url]', 'the server; default: --url')
    .option('-o, --out <file>', 'write to this file; default stdout')
    .addHelpText('after', EXAMPLE)
    .action(async (url: string | undefined, { out }: { out?: string }, command: Command) => {
      const { client, terminal, signal } = openSession(host, command, url);
      const tasks = await client.describe({ signal });
      const text = typesOf(tasks);
      if (out === undefined) return terminal.line(text.trimEnd());
      await writeFile(out, text, { signal });
      terminal.note(`${out}: ${tasks.length} tasks`);
    });
}

/** A module that exports the type `Tasks`. */
function typesOf(tasks: readonly TaskJson[]): string {
  const members = tasks.map(
    (task) =>
      `${commentOf(task, '  ')}  readonly ${keyText(task.name)}: {\n` +
      `    readonly file: ${task.files.length > 0};\n` +
      `    readonly input: ${inputType(task)};\n` +
      `    readonly result: ${typeOfSchema(task.result_schema, '    ')};\n  };`,
  );
  const files = tasks.some((task) => slotMembers(task) !== '')
    ? ["import type { FileSource } from 'penstock/client';", '']
    : [];
  return [
    '// Written by `penstock types`: do it again when the tasks change.',
    ...files,
    'export type Tasks = {',
    ...members,
    '};',
    '',
  ].join('\n');
}

/** Files by name stand beside the input: as bytes, or as the id of a stored one. */
function inputType(task: TaskJson): string {
  const slots = slotMembers(task);
  const input = typeOfSchema(task.input_schema, '    ');
  return slots === '' ? input : `${input} & { ${slots} }`;
}

function slotMembers({ files }: TaskJson): string {
  return files
    .map(({ name, many }) => `readonly ${keyText(name)}?: ${many ? 'readonly FileSource[]' : 'FileSource'};`)
    .join(' ');
}
