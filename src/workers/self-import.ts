import { readFileSync } from 'node:fs';
import { type LoadHookContext, registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a task's file imports. */
const OWN_NAME = 'penstock';
/** The compiled package has penstock.js. */
const FRONT_DOOR = new URL(`../penstock${extname(import.meta.url)}`, import.meta.url).href;

/** What Node takes a file for where the package.json says commonjs, as `npm init` writes it; and what it is if it imports. */
const AS_MODULE: Readonly<Record<string, string>> = { commonjs: 'module', 'commonjs-typescript': 'module-typescript' };
const MODULE_SYNTAX =
  /^\s*(import\s*["'{*\w]|export\s+(default|const|let|class|(async\s+)?function|type|interface|[{*]))/m;

/**
 * Lets task files import `penstock` from wherever they lie: it is always the one that runs them, whether it is installed
 * beside them or not. And a task that is written as a module is one, whatever the package.json around it says.
 */
export function installSelfImport(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      return specifier === OWN_NAME ? { url: FRONT_DOOR, shortCircuit: true } : nextResolve(specifier, context);
    },
    load(url, context, nextLoad) {
      const format = formatOf(url, context);
      return nextLoad(url, format === undefined ? context : { ...context, format });
    },
  });
}

/** undefined: what Node thinks. */
function formatOf(url: string, { format }: LoadHookContext): string | undefined {
  const asModule = AS_MODULE[format ?? ''];
  if (asModule === undefined || !url.startsWith('file:') || url.includes('/node_modules/') || /\.c[jt]s$/.test(url))
    return undefined;
  return MODULE_SYNTAX.test(readFileSync(fileURLToPath(url), 'utf8')) ? asModule : undefined;
}
