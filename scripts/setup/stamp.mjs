import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

/**
 * What setup found in order last time, so that the next start can tell in a few milliseconds that nothing has changed.
 * @typedef {{ lock: string, dev: boolean, binary?: string }} Stamp `binary`: of uWebSockets.js, once it was used
 */
const NAME = join('node_modules', '.gateway-setup.json');

/**
 * @param {string} root
 * @returns {Partial<Stamp>}
 */
export function readStamp(root) {
  try {
    return JSON.parse(readFileSync(join(root, NAME), 'utf8'));
  } catch {
    return {}; // not there, or cut short: then everything is looked at
  }
}

/**
 * @param {string} root
 * @param {Stamp} stamp
 */
export function writeStamp(root, stamp) {
  try {
    writeFileSync(join(root, NAME), `${JSON.stringify(stamp)}\n`);
  } catch {
    // A read-only image or another user's folder: the next start looks at everything again.
  }
}

/**
 * @param {string} root
 * @returns {string}
 */
export function lockHash(root) {
  const path = join(root, 'package-lock.json');
  if (!existsSync(path)) throw new SetupError(`${path} is missing: the clone is incomplete.`);
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/**
 * Changes with everything the glibc step depends on: this machine, this Node, and the file uWebSockets.js would load.
 * @param {string} directory of the uWebSockets.js package
 * @param {string | undefined} glibc
 * @returns {{ fingerprint: string, path: string, exists: boolean }}
 */
export function describeBinary(directory, glibc) {
  const path = join(directory, `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`);
  const exists = existsSync(path);
  const { mtimeMs, size } = exists ? statSync(path) : { mtimeMs: 0, size: 0 };
  return { fingerprint: `${path} ${mtimeMs} ${size} glibc ${glibc ?? 'none'}`, path, exists };
}
