import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNodeVersion } from './node-version.mjs';
import { PROJECT_ROOT } from './project-root.mjs';

/**
 * Sets up what is missing and runs the `gateway` command in this process.
 * @param {readonly string[]} args what follows the command's name
 * @returns {Promise<number | undefined>} exit code; `undefined` when the gateway runs on in this process
 */
export async function runCli(args) {
  if (isClone(PROJECT_ROOT)) await setUp(args[0] === 'start');
  else checkNodeVersion(process.versions.node);
  const { main } = await import(pathToFileURL(join(PROJECT_ROOT, 'dist/src/cli/main.js')).href);
  return main(args);
}

/**
 * Whether this is a clone, or a copy of one. What `npm pack` makes has no lock file: npm has brought all that it needs, and
 * it has nothing to build.
 * @param {string} root
 */
const isClone = (root) => existsSync(join(root, 'package-lock.json'));

/** @param {boolean} starts */
async function setUp(starts) {
  const { checkReady, ensureReady } = await import('../setup.mjs');
  const { uwsNeedOf } = await import('./front.mjs');
  const { mayChange } = await import('./may-change.mjs');
  /** @type {import('../setup.mjs').Needs} */
  const needs = { build: true, dev: false, uws: starts ? uwsNeedOf() : 'unused' };
  if (mayChange()) await ensureReady(needs);
  else checkReady(needs);
}
