import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup/setup-error.mjs';
import { KNOWN_BINARIES } from './known-binaries.mjs';
import { rebindToOlderGlibc } from './rebind.mjs';

/** The glibc uWebSockets.js is built for, and the oldest one the rebound files run with. */
const BUILT_FOR = '2.38';
const OLDEST_SUPPORTED = '2.35';

/**
 * The C library this Node runs with.
 * @returns {string | undefined} such as `2.36`; `undefined` where it is not glibc
 */
export function runningGlibc() {
  // Without this the report resolves every address it lists. Node 20.13+; no effect before.
  Object.assign(process.report, { excludeNetwork: true });
  // @types/node calls the report a plain `object`.
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime;
}

/**
 * Makes the uWebSockets.js binaries loadable on a glibc older than they were built for; does nothing elsewhere.
 *
 * uWebSockets.js loads its binary by a fixed name in its own folder, so the rebound copy has to take that name: it is
 * written beside the file, checked, and renamed over it (a process that has the old one open keeps it). No other file
 * is touched and no copy of the original is kept: npm brings it back. Every Linux binary for this processor is
 * done at once, so that another Node version works on the same machine.
 * @param {{ directory: string, platform: string, arch: string, glibc: string | undefined }} options
 * @returns {string[]} names of the files that were rebound now
 * @throws {SetupError} on musl, on a glibc that is too old, and for a file whose sha256 is not pinned
 */
export function applyGlibcStep({ directory, platform, arch, glibc }) {
  if (platform !== 'linux') return [];
  if (glibc === undefined) {
    throw new SetupError(
      'uWebSockets.js needs glibc, and this system has another C library (Alpine has musl): use a Debian-based image.',
    );
  }
  if (!isOlder(glibc, BUILT_FOR)) return [];
  if (isOlder(glibc, OLDEST_SUPPORTED)) {
    throw new SetupError(`uWebSockets.js needs glibc ${OLDEST_SUPPORTED} or newer; this system has ${glibc}.`);
  }
  const names = Object.keys(KNOWN_BINARIES).filter((name) => name.startsWith(`uws_linux_${arch}_`));
  if (names.length === 0) throw new SetupError(`uWebSockets.js has no Linux binary for the processor "${arch}".`);
  return names.filter((name) => rebindInPlace(directory, name));
}

/**
 * @param {string} directory
 * @param {string} name
 * @returns {boolean} whether the file was changed; a missing one is not (a newer package may drop a Node version)
 */
function rebindInPlace(directory, name) {
  const path = join(directory, name);
  const known = KNOWN_BINARIES[name];
  if (known === undefined || !existsSync(path)) return false;
  const shipped = readFileSync(path);
  const found = sha256(shipped);
  if (found === known.patched) return false;
  if (found !== known.shipped) {
    throw new SetupError(
      `${path} is not the file this step knows (sha256 ${found}): left as it is. To get the shipped one: delete node_modules and start again.`,
    );
  }
  const rebound = rebindToOlderGlibc(shipped);
  if (sha256(rebound) !== known.patched) throw new SetupError(`Rebinding ${name} gave an unexpected file: not used.`);
  const copy = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(copy, rebound, { mode: statSync(path).mode });
    renameSync(copy, path);
  } finally {
    rmSync(copy, { force: true });
  }
  return true;
}

/** @param {Buffer} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * @param {string} version such as `2.36`
 * @param {string} than
 */
function isOlder(version, than) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
