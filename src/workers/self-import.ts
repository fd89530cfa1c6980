import { registerHooks } from 'node:module';
import { extname } from 'node:path';

/** What a task's file imports. */
const OWN_NAME = 'penstock';
/** The compiled package has penstock.js. */
const FRONT_DOOR = new URL(`../penstock${extname(import.meta.url)}`, import.meta.url).href;

/**
 * Lets task files import `penstock` from wherever they lie: it is always the one that runs them, whether it is installed
 * beside them or not.
 */
export function installSelfImport(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      return specifier === OWN_NAME ? { url: FRONT_DOOR, shortCircuit: true } : nextResolve(specifier, context);
    },
  });
}
