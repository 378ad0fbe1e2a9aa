import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { checkReady, ensureReady } from '../setup.mjs';
import { uwsNeedOf } from './front.mjs';
import { mayChange } from './may-change.mjs';
import { PROJECT_ROOT } from './project-root.mjs';

/**
 * Sets up what is missing and runs the `gateway` command in this process.
 * @param {readonly string[]} args what follows the command's name
 * @returns {Promise<number | undefined>} exit code; `undefined` when the gateway runs on in this process
 */
export async function runCli(args) {
  /** @type {import('../setup.mjs').Needs} */
  const needs = { build: true, dev: false, uws: args[0] === 'start' ? uwsNeedOf() : 'unused' };
  if (mayChange()) await ensureReady(needs);
  else checkReady(needs);
  const { main } = await import(pathToFileURL(join(PROJECT_ROOT, 'dist/src/cli/main.js')).href);
  return main(args);
}
