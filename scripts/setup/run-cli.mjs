import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { ensureReady } from '../setup.mjs';
import { uwsNeedOf } from './front.mjs';
import { PROJECT_ROOT } from './project-root.mjs';

/**
 * Sets up what is missing and runs the `gateway` command in this process.
 * @param {readonly string[]} args what follows the command's name
 * @returns {Promise<number | undefined>} exit code; `undefined` when the gateway runs on in this process
 */
export async function runCli(args) {
  await ensureReady({ build: true, dev: false, uws: args[0] === 'start' ? uwsNeedOf() : 'unused' });
  const { main } = await import(pathToFileURL(join(PROJECT_ROOT, 'dist/src/cli/main.js')).href);
  return main(args);
}
