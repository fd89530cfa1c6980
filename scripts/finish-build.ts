/** What the package has beside the compiled sources; run after the compiler. */
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const PAGE = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));

// The page of /docs, so that whoever installs the package gets two files instead of a package with telemetry.
for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'LICENSE', 'NOTICE'])
  cpSync(`${PAGE}/${name}`, `${DIST}reference-page/${name}`);

// Plain JavaScript that is built where it lies, at install.
mkdirSync(`${DIST}native/png`, { recursive: true });
writeFileSync(`${DIST}native/png/png.js`, "export * from '../../../native/png/png.js';\n");

chmodSync(`${DIST}src/bin.js`, 0o755);
