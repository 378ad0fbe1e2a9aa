/**
 * As much of ELF (64 bit, little endian) as it takes to find which C library versions an addon asks for:
 * https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
 *
 * @typedef {{ type: number, offset: number, size: number, link: number, info: number }} Section
 * @typedef {{ library: string, name: string, index: number, flagsAt: number }} NeededVersion
 * @typedef {{ name: string, nameAt: number, versionAt: number, version: number }} Symbol
 */
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const SYMBOL_BYTES = 24;
/** The top bit of a symbol's version says "hidden"; the rest is the index. */
const VERSION_MASK = 0x7fff;

/**
 * @param {Buffer} file
 * @returns {Section[]}
 */
function readSections(file) {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const start = Number(file.readBigUInt64LE(0x28));
  const entryBytes = file.readUInt16LE(0x3a);
  return Array.from({ length: file.readUInt16LE(0x3c) }, (_, i) => {
    const at = start + i * entryBytes;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
      info: file.readUInt32LE(at + 44),
    };
  });
}

/**
 * The versions a shared object needs of each library, and its dynamic symbols; every `…At` is an offset in the file.
 * @param {Buffer} file
 * @returns {{ versions: NeededVersion[], symbols: Symbol[] }}
 */
export function readDynamicSymbols(file) {
  const sections = readSections(file);
  /** @param {number} type */
  const find = (type) => {
    const section = sections.find((candidate) => candidate.type === type);
    if (section === undefined) throw new Error(`no section of type 0x${type.toString(16)}`);
    return section;
  };
  const table = find(SHT_DYNSYM);
  const strings = sections[table.link];
  if (strings === undefined) throw new Error('no dynamic string table');
  /** @param {number} offset */
  const text = (offset) => {
    const at = strings.offset + offset;
    return file.toString('latin1', at, file.indexOf(0, at));
  };

  const versionsOf = find(SHT_GNU_VERSYM);
  const symbols = Array.from({ length: table.size / SYMBOL_BYTES }, (_, i) => {
    const nameAt = table.offset + i * SYMBOL_BYTES;
    const versionAt = versionsOf.offset + i * 2;
    return {
      name: text(file.readUInt32LE(nameAt)),
      nameAt,
      versionAt,
      version: file.readUInt16LE(versionAt) & VERSION_MASK,
    };
  });
  return { versions: readNeededVersions(file, find(SHT_GNU_VERNEED), text), symbols };
}

/**
 * Walks the two linked lists of a verneed section: libraries, and the versions needed of each.
 * @param {Buffer} file
 * @param {Section} section
 * @param {(offset: number) => string} text
 */
function readNeededVersions(file, section, text) {
  /** @type {NeededVersion[]} */
  const versions = [];
  let libraryAt = section.offset;
  for (let i = 0; i < section.info; i++) {
    const library = text(file.readUInt32LE(libraryAt + 4));
    let at = libraryAt + file.readUInt32LE(libraryAt + 8);
    for (let left = file.readUInt16LE(libraryAt + 2); left > 0; left--) {
      versions.push({
        library,
        name: text(file.readUInt32LE(at + 8)),
        index: file.readUInt16LE(at + 6),
        flagsAt: at + 4,
      });
      at += file.readUInt32LE(at + 12);
    }
    libraryAt += file.readUInt32LE(libraryAt + 12);
  }
  return versions;
}
