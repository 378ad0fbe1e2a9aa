import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT_ROOT } from '../cli/project.ts';
import type { Processes } from '../shared/processes.ts';

const git = (...args: string[]): string =>
  execFileSync('git', ['-C', PROJECT_ROOT, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** @throws Error when git does not know it */
export function resolveCommit(name: string): string {
  try {
    return git('rev-parse', '--verify', `${name}^{commit}`);
  } catch (error) {
    throw new Error(`git knows no commit "${name}"`, { cause: error });
  }
}

export const hasUncommitted = (): boolean => git('status', '--porcelain', '--untracked-files=no') !== '';

/** Whether both commits ask for the same packages: only those of the working tree are there. */
export const samePackages = (one: string, other: string): boolean =>
  git('diff', '--name-only', one, other, '--', 'package-lock.json') === '';

/**
 * Builds a commit in a folder of its own with the build script it has itself and the packages of the working tree; where
 * its dist is. Unpacked from `git archive`: unlike a worktree it leaves no entry in the repository, however we end.
 * @throws Error when it does not compile
 */
export async function buildCommit(processes: Processes, commit: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'commit.tar');
  git('archive', '--output', archive, commit);
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(folder, 'node_modules'));
  const script = pathToFileURL(join(folder, 'scripts/setup/dist.mjs')).href;
  const program = `import { buildDist } from ${JSON.stringify(script)}; buildDist(${JSON.stringify(folder)});`;
  const command = [process.execPath, '--input-type=module', '-e', program] as const;
  const build = processes.start({ name: `build of ${commit.slice(0, 9)}`, command });
  await build.exited;
  if (build.child.exitCode !== 0) throw build.failure('failed');
  return join(folder, 'dist');
}
