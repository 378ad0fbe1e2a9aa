import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { applyGlibcStep, runningGlibc } from './glibc/apply.mjs';
import { dependenciesInstalled, installDependencies } from './setup/dependencies.mjs';
import { buildDist, canBuild, isDistFresh } from './setup/dist.mjs';
import { installGitHook } from './setup/git-hook.mjs';
import { withLock } from './setup/lock.mjs';
import { checkNodeVersion } from './setup/node-version.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runScript, SetupError } from './setup/setup-error.mjs';
import { describeBinary, lockHash, readStamp, writeStamp } from './setup/stamp.mjs';

/**
 * @typedef {object} Needs
 * @property {boolean} build dist must match the sources
 * @property {boolean} dev tools for developers (lint, tests) must be installed
 * @property {string} [root] the project; another one only in tests
 * @property {(line: string) => void} [say] takes one line for each thing that is done; default: stderr
 */

/**
 * Brings a clone to where it can run: npm packages, a uWebSockets.js binary that loads here, dist, the git hook. Does
 * and says nothing when all is in order; two at the same time wait for each other.
 * @param {Needs} needs
 * @throws {SetupError} when something is missing that a person has to change
 */
export async function ensureReady({ build, dev, root = PROJECT_ROOT, say = (line) => console.error(line) }) {
  checkNodeVersion(process.versions.node);
  if (inOrder(root, { build, dev })) return;
  await withLock({ folder: join(root, '.setup'), say }, () => {
    const stale = build && !isDistFresh(root);
    const needed = { dev: dev || (stale && !canBuild(root)) };
    installWhatIsMissing(root, needed, say);
    prepareBinary(root, say);
    if (stale) {
      say('Building dist ...');
      buildDist(root);
    }
    if (installGitHook(root)) say('Using .githooks for commits here (git config core.hooksPath).');
  });
}

/**
 * The quick look every start pays for.
 * @param {string} root
 * @param {{ build: boolean, dev: boolean }} needs
 */
function inOrder(root, { build, dev }) {
  const stamp = readStamp(root);
  if (stamp.lock === undefined || stamp.lock !== lockHash(root)) return false;
  if (dev && stamp.dev !== true) return false;
  if (stamp.binary !== describeBinary(uwsFolder(root), runningGlibc()).fingerprint) return false;
  return !build || isDistFresh(root);
}

/**
 * @param {string} root
 * @param {{ dev: boolean }} needed
 * @param {(line: string) => void} say
 */
function installWhatIsMissing(root, needed, say) {
  if (dependenciesInstalled(root, needed)) return;
  const why = existsSync(join(root, 'node_modules')) ? 'some are missing or outdated' : 'first start';
  say(`Installing npm packages (${why}) ...`);
  installDependencies(root);
}

/**
 * @param {string} root
 * @param {(line: string) => void} say
 */
function prepareBinary(root, say) {
  const glibc = runningGlibc();
  const directory = uwsFolder(root);
  const { platform, arch } = process;
  const rebound = applyGlibcStep({ directory, platform, arch, glibc });
  if (rebound.length > 0) say(`Made uWebSockets.js load on glibc ${glibc} (${rebound.length} files in ${directory}).`);
  const { exists, path, fingerprint } = describeBinary(directory, glibc);
  if (!exists) throw new SetupError(`uWebSockets.js has no binary for this system and Node version: ${path}`);
  writeStamp(root, {
    lock: lockHash(root),
    dev: dependenciesInstalled(root, { dev: true }),
    binary: fingerprint,
  });
}

/** @param {string} root */
const uwsFolder = (root) => join(root, 'node_modules', 'uWebSockets.js');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runScript(async () => {
    await ensureReady({ build: true, dev: true });
    return 0;
  });
}
