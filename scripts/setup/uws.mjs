import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { applyGlibcStep, runningGlibc } from '../glibc/apply.mjs';
import { pinnedHashes } from '../glibc/known-binaries.mjs';
import { SetupError } from './setup-error.mjs';
import { describeBinary } from './stamp.mjs';

/**
 * What a start or a test wants of uWebSockets.js, the library of one of the two fronts. `needed`: it must load;
 * `wanted`: it is made to load where it can; `unused`: it is not looked at.
 * @typedef {'needed' | 'wanted' | 'unused'} UwsNeed
 */

/** @param {string} root */
const uwsFolder = (root) => join(root, 'node_modules', 'uWebSockets.js');

/**
 * The quick look.
 * @param {string} root
 * @param {UwsNeed} need
 * @param {string | undefined} stamped fingerprint of the binary as it was last found in order
 */
export function uwsInOrder(root, need, stamped) {
  if (need === 'unused') return true;
  const { fingerprint, path, exists } = describeBinary(uwsFolder(root), runningGlibc());
  if (!exists) return need === 'wanted';
  return fingerprint === stamped && (need !== 'needed' || isPinned(path));
}

/**
 * Makes the binary load here.
 * @param {string} root
 * @param {UwsNeed} need
 * @param {(line: string) => void} say
 * @returns {string | undefined} its fingerprint; `undefined` where there is none, or nobody asked
 * @throws {SetupError} when it is needed and there is none for this system
 */
export function prepareUws(root, need, say) {
  if (need === 'unused') return undefined;
  try {
    return prepare(root, say);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    if (need === 'needed') throw new SetupError(`FRONT=uws cannot run here: ${error.message} FRONT=native can.`);
    return undefined;
  }
}

/**
 * Whether the binary is there and is what it should be, where nothing may be changed.
 * @param {string} root
 * @throws {SetupError} when it is not
 */
export function checkUws(root) {
  const { exists, path } = describeBinary(uwsFolder(root), runningGlibc());
  if (!exists) throw new SetupError(`FRONT=uws cannot run here: ${path} is missing. FRONT=native can.`);
  requirePinned(path);
}

/**
 * The file is code that runs in the gateway, so it is compared with what was pinned, on every system and at every start
 * that uses it; that takes some milliseconds.
 * @param {string} path
 */
const isPinned = (path) => pinnedHashes(basename(path)).includes(sha256(readFileSync(path)));

/** @param {string} path */
function requirePinned(path) {
  if (isPinned(path)) return;
  throw new SetupError(
    `${path} is not the file that was pinned (sha256 ${sha256(readFileSync(path))}), so it is not used. To get the shipped one: delete node_modules and start again.`,
  );
}

/** @param {Buffer} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * @param {string} root
 * @param {(line: string) => void} say
 */
function prepare(root, say) {
  const glibc = runningGlibc();
  const directory = uwsFolder(root);
  const { platform, arch } = process;
  const rebound = applyGlibcStep({ directory, platform, arch, glibc });
  if (rebound.length > 0) say(`Made uWebSockets.js load on glibc ${glibc} (${rebound.length} files in ${directory}).`);
  const { exists, path, fingerprint } = describeBinary(directory, glibc);
  if (exists) {
    requirePinned(path);
    return fingerprint;
  }
  throw new SetupError(
    `uWebSockets.js has no binary for ${platform} ${arch}, Node ${process.versions.node} (${path}).`,
  );
}
