import { runCli } from './harness/cli.ts';
import { abortStorm } from './scenarios/abort-storm.ts';
import { curl } from './scenarios/curl.ts';
import { jobOverload } from './scenarios/job-overload.ts';
import { jobSoak } from './scenarios/job-soak.ts';
import { kill9 } from './scenarios/kill9.ts';
import { netem } from './scenarios/netem.ts';
import { overload } from './scenarios/overload.ts';
import { rendering } from './scenarios/rendering.ts';
import { slowCrowd } from './scenarios/slow-crowd.ts';
import { slowDisk } from './scenarios/slow-disk.ts';
import { slowhttp } from './scenarios/slowhttp.ts';
import { soak } from './scenarios/soak.ts';

process.exitCode = await runCli({
  script: 'loadtest',
  scenarios: [
    kill9,
    jobOverload,
    jobSoak,
    rendering,
    slowCrowd,
    overload,
    soak,
    abortStorm,
    slowDisk,
    curl,
    netem,
    slowhttp,
  ],
  args: process.argv.slice(2),
});
