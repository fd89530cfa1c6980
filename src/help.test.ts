import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { helpText, settingsTable } from './help.ts';
import { flagName, SETTINGS } from './settings.ts';

test('--help names every setting', () => {
  for (const name of Object.keys(SETTINGS)) assert.match(helpText(), new RegExp(`--${flagName(name)}\\n`));
});

test("the README's table of settings is the one that the code tells", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(settingsTable()), `paste this into README.md:\n${settingsTable()}`);
});
