import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkLockEntries } from './lock-entries.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * @typedef {{ version?: string, link?: boolean, dev?: boolean, optional?: boolean, devOptional?: boolean }} LockEntry
 */

/**
 * Whether node_modules holds what package-lock.json says: npm leaves a lock file of what it installed in there.
 * Packages for other platforms may be missing.
 * @param {string} root
 * @param {{ dev: boolean }} needs `dev`: packages only developers need count too
 */
export function dependenciesInstalled(root, { dev }) {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readLock(join(root, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true; // the project itself
    const found = installed[path];
    if (found !== undefined && existsSync(join(root, path))) return found.version === entry.version;
    return entry.optional === true || (!dev && (entry.dev === true || entry.devOptional === true));
  });
}

/**
 * Installs what package-lock.json says, with what it takes to build, and leaves package-lock.json as it is. npm's output
 * goes to stderr.
 *
 * Not `npm ci`: that refuses a lock made where the registry had not every platform's build of an optional package, and
 * it starts by deleting node_modules, under the feet of whatever is running.
 * @param {string} root
 * @throws {SetupError} also where npm could not check what it would get
 */
export function installDependencies(root) {
  checkLockEntries(root);
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm is a script with another name on Windows, which only a shell finds.
  const options = { cwd: root, shell: process.platform === 'win32' };
  const result = spawnSync('npm', args, { ...options, stdio: ['ignore', process.stderr, process.stderr] });
  if (result.error !== undefined) throw new SetupError(`npm cannot be started: ${result.error.message}`);
  if (result.status !== 0)
    throw new SetupError(`npm install failed (${result.signal ?? `exit code ${result.status}`}).`);
}

/**
 * @param {string} path
 * @returns {Record<string, LockEntry> | undefined}
 */
function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}
