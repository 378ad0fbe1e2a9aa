import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { FrontKind } from '../../src/shared/config/types.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What serves clients on this machine and Node. */
    fronts: readonly FrontKind[];
  }
}

/** Why uWebSockets.js does not run here; tried in a process of its own, as a binary that does not fit may end it. */
function uwsProblem(): string | undefined {
  const script = createRequire(import.meta.url).resolve('uWebSockets.js');
  const { platform, arch, versions } = process;
  if (!existsSync(join(dirname(script), `uws_${platform}_${arch}_${versions.modules}.node`))) return 'no binary';
  const { status } = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', script], { timeout: 10_000 });
  return status === 0 ? undefined : 'its binary does not load; node scripts/setup.mjs --front uws prepares it';
}

/** Runs once, before all tests: a front whose tests are left out is told. */
export function setup(project: TestProject): void {
  const problem = uwsProblem();
  if (problem !== undefined) project.vitest.logger.log(`uws front: not tested on this Node (${problem})`);
  project.provide('fronts', problem === undefined ? ['native', 'uws'] : ['native']);
}
