import { cpuBound } from './bench/cpu-bound.ts';
import { fidelity } from './bench/fidelity.ts';
import { ingest } from './bench/ingest.ts';
import { jobs } from './bench/jobs.ts';
import { raster } from './bench/raster.ts';
import { runCli } from './harness/cli.ts';

process.exitCode = await runCli({
  script: 'bench',
  scenarios: [ingest, jobs, cpuBound, fidelity, raster],
  args: process.argv.slice(2),
});
