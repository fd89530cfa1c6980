import { spawnSync } from 'node:child_process';

/** undefined: every tool is there. Else a reason to skip with, which is an error where nothing may be skipped. */
export function missingTool(...tools: readonly string[]): string | undefined {
  const missing = tools.find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing === undefined) return undefined;
  return refuseSkip(`${missing} is not installed`);
}

/** A test that needs root to mount or to make network namespaces. */
export function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : refuseSkip('this needs root');
}

function refuseSkip(reason: string): string {
  if (process.env.REQUIRE_ALL === '1') throw new Error(`nothing may be skipped, but ${reason}`);
  return reason;
}
