import { fidelity } from './bench/fidelity.ts';
import { ingest } from './bench/ingest.ts';
import { runCli } from './harness/cli.ts';

process.exitCode = await runCli({
  script: 'bench',
  scenarios: [ingest, fidelity],
  args: process.argv.slice(2),
});
