import { readDynamicSymbols } from './elf.mjs';

/** C23 variants (they also read `0b101`): same arguments and results as the plain name for what uWS gives them. */
const C23_PREFIX = '__isoc23_';
const VER_FLG_WEAK = 2;

/**
 * A copy of a uWebSockets.js binary that also loads where glibc is 2.35 to 2.37 (Ubuntu 22.04, Debian 12).
 *
 * GLIBC_2.38 is asked for by `__isoc23_strtol`, `__isoc23_strtoul` and `__isoc23_sscanf` alone: they become `strtol`,
 * `strtoul` and `sscanf` of the oldest version. GLIBC_2.36 is asked for by `arc4random` alone, which only libstdc++'s
 * unused `std::random_device` calls: the version is marked weak, so that the loader accepts a glibc without it. The
 * symbol itself stays as it is: where it exists it is bound, where it does not, calling it would end the process
 * rather than give weak random numbers.
 * @param {Buffer} original
 * @returns {Buffer}
 */
export function rebindToOlderGlibc(original) {
  const file = Buffer.from(original);
  const { versions, symbols } = readDynamicSymbols(file);
  const libc = versions.filter(({ library }) => library === 'libc.so.6');
  /** @param {string} wanted */
  const find = (wanted) => libc.find(({ name }) => name === wanted);
  const oldest = find('GLIBC_2.2.5') ?? find('GLIBC_2.17'); // the first version there was on x64, and on arm64
  const tooNew = find('GLIBC_2.38');
  if (oldest === undefined || tooNew === undefined) throw new Error('does not ask for GLIBC_2.38');

  for (const { name, flagsAt } of libc) {
    if (name !== 'GLIBC_2.38' && name !== 'GLIBC_2.36') continue;
    file.writeUInt16LE(file.readUInt16LE(flagsAt) | VER_FLG_WEAK, flagsAt);
  }
  for (const { name, nameAt, versionAt, version } of symbols) {
    if (version !== tooNew.index) continue;
    if (!name.startsWith(C23_PREFIX)) throw new Error(`unexpected symbol of GLIBC_2.38: ${name}`);
    // Names are offsets into a table of strings, so the plain name is the tail of the one that is there.
    file.writeUInt32LE(file.readUInt32LE(nameAt) + C23_PREFIX.length, nameAt);
    file.writeUInt16LE(oldest.index, versionAt);
  }
  return file;
}
