import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { dependenciesInstalled, installDependencies } from './setup/dependencies.mjs';
import { buildDist, canBuild, isDistFresh } from './setup/dist.mjs';
import { frontOf, uwsNeedOf } from './setup/front.mjs';
import { installGitHook } from './setup/git-hook.mjs';
import { withLock } from './setup/lock.mjs';
import { checkNodeVersion } from './setup/node-version.mjs';
import { PROJECT_ROOT } from './setup/project-root.mjs';
import { runScript, SetupError } from './setup/setup-error.mjs';
import { lockHash, readStamp, writeStamp } from './setup/stamp.mjs';
import { checkUws, prepareUws, uwsInOrder } from './setup/uws.mjs';

/**
 * @typedef {object} Needs
 * @property {boolean} build dist must match the sources
 * @property {boolean} dev tools for developers (lint, tests) must be installed
 * @property {import('./setup/uws.mjs').UwsNeed} uws
 * @property {string} [root] the project; another one only in tests
 * @property {(line: string) => void} [say] takes one line for each thing that is done; default: stderr
 */

/**
 * Brings a clone to where it can run: npm packages, dist, the git hook, and a uWebSockets.js binary that loads here if
 * one is to be used. Does and says nothing when all is in order; two at the same time wait for each other.
 * @param {Needs} needs
 * @throws {SetupError} when something is missing that a person has to change
 */
export async function ensureReady({ build, dev, uws, root = PROJECT_ROOT, say = (line) => console.error(line) }) {
  checkNodeVersion(process.versions.node);
  if (inOrder(root, { build, dev, uws })) return;
  await withLock({ folder: join(root, '.setup'), say }, () => {
    const stale = build && !isDistFresh(root);
    const needed = { dev: dev || (stale && !canBuild(root)) };
    installWhatIsMissing(root, needed, say);
    keepStamp(root, prepareUws(root, uws, say));
    if (stale) {
      say('Building dist ...');
      buildDist(root);
    }
    if (installGitHook(root)) say('Using .githooks for commits here (git config core.hooksPath).');
  });
}

/**
 * The same where nothing may be changed: says what is missing, and who has to bring it.
 * @param {Needs} needs
 * @throws {SetupError}
 */
export function checkReady({ dev, build, uws, root = PROJECT_ROOT }) {
  checkNodeVersion(process.versions.node);
  const rule = 'Nothing is installed or built here, as NODE_ENV=production or GATEWAY_SETUP=off says';
  if (!dependenciesInstalled(root, { dev })) {
    throw new SetupError(`npm packages are missing or outdated. ${rule}: run "npm ci" beforehand.`);
  }
  if (build && !isDistFresh(root)) {
    throw new SetupError(`dist is missing or older than the sources. ${rule}: run "npm run build" beforehand.`);
  }
  if (uws === 'needed') checkUws(root);
}

/**
 * The quick look every start pays for.
 * @param {string} root
 * @param {{ build: boolean, dev: boolean, uws: import('./setup/uws.mjs').UwsNeed }} needs
 */
function inOrder(root, { build, dev, uws }) {
  const stamp = readStamp(root);
  if (stamp.lock === undefined || stamp.lock !== lockHash(root)) return false;
  if (dev && stamp.dev !== true) return false;
  if (!uwsInOrder(root, uws, stamp.binary)) return false;
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
 * @param {string | undefined} prepared fingerprint of the uWebSockets.js binary, if it was looked at: otherwise what an
 *   earlier setup found stays, and is compared with the file when somebody wants it
 */
function keepStamp(root, prepared) {
  const binary = prepared ?? readStamp(root).binary;
  writeStamp(root, {
    lock: lockHash(root),
    dev: dependenciesInstalled(root, { dev: true }),
    ...(binary === undefined ? {} : { binary }),
  });
}

// node scripts/setup.mjs [--front native|uws]: all but starting it; default: FRONT, as for npm start.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runScript(async () => {
    const { values } = parseArgs({ options: { front: { type: 'string' } }, strict: false });
    const front = values.front ?? frontOf();
    if (front !== 'native' && front !== 'uws')
      throw new SetupError('Usage: node scripts/setup.mjs [--front native|uws]');
    await ensureReady({ build: true, dev: true, uws: uwsNeedOf(front) });
    return 0;
  });
}
