import { describeSettings } from './config.ts';

/** The text of `--help`: every setting with default, limits and meaning. */
export function helpText(): string {
  const rows = describeSettings().map(
    (row) => `  ${row.flag}\n      ${row.doc}\n      default ${row.default}; ${row.allowed}`,
  );
  return [
    'penstock: takes files in, runs CPU-heavy work on them, and always answers',
    '',
    'usage: npm start -- [settings]',
    '',
    'Every setting is a flag, a variable (--max-uploads is PENSTOCK_MAX_UPLOADS) and a line of the --config file;',
    'flags win over the environment over the file. Sizes take k, M, G, KiB, MiB, GiB; times take ms, s, m, h, d.',
    '',
    '  --config FILE\n      JSON object of settings: {"max-uploads": 500}',
    ...rows,
    '  --help\n      print this',
    '',
    'Exit codes: 0 stopped as asked, 1 could not start or failed, 2 a setting is wrong.',
  ].join('\n');
}

/** The same as the README's table. */
export function settingsTable(): string {
  const rows = describeSettings().map((row) => {
    const byMachine = row.flag === '--workers' ? 'the cores' : row.default;
    return `| \`${row.flag.slice(2)}\` | ${byMachine} | ${row.allowed.replaceAll('|', '\\|')} | ${row.doc} |`;
  });
  return ['| setting | default | allowed | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
