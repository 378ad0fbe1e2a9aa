import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Points git at .githooks in a checkout whose owner has not chosen a folder of hooks.
 * @param {string} root
 * @returns {boolean} whether it was set now
 */
export function installGitHook(root) {
  if (!existsSync(join(root, '.git')) || !existsSync(join(root, '.githooks'))) return false;
  const git = (/** @type {string[]} */ ...args) => spawnSync('git', ['-C', root, ...args], { stdio: 'ignore' }).status;
  const unset = git('config', '--get', 'core.hooksPath') === 1; // another code: no git, or a repository it refuses
  return unset && git('config', 'core.hooksPath', '.githooks') === 0;
}
