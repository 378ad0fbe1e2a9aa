import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyGlibcStep } from './apply.mjs';
import { readDynamicSymbols } from './elf.mjs';
import { KNOWN_BINARIES } from './known-binaries.mjs';

const PACKAGE = new URL('../../node_modules/uWebSockets.js/', import.meta.url);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The file as npm brings it; where setup has rebound it already (as on this machine, perhaps), that is taken back. */
function shippedBinary(name: string): Buffer {
  const file = readFileSync(new URL(name, PACKAGE));
  const wanted = KNOWN_BINARIES[name]?.shipped;
  // The files ask for the plain strtol too: one of the two was there before.
  const found = [file, takeBack(file, 'first'), takeBack(file, 'second')].find((bytes) => sha256(bytes) === wanted);
  if (found === undefined) throw new Error(`${name} in node_modules is neither the shipped nor the rebound file`);
  return found;
}

function takeBack(rebound: Buffer, plainStrtol: 'first' | 'second'): Buffer {
  const file = Buffer.from(rebound);
  const { versions, symbols } = readDynamicSymbols(file);
  const tooNew = versions.find(({ name }) => name === 'GLIBC_2.38');
  if (tooNew === undefined) throw new Error('no GLIBC_2.38');
  for (const { name, flagsAt } of versions) {
    if (name === 'GLIBC_2.38' || name === 'GLIBC_2.36') file.writeUInt16LE(0, flagsAt);
  }
  const [first, second] = symbols.filter(({ name }) => name === 'strtol');
  const plain = plainStrtol === 'first' ? first : second;
  for (const symbol of symbols) {
    if (symbol === plain || !['strtol', 'strtoul', 'sscanf'].includes(symbol.name)) continue;
    file.writeUInt32LE(Math.max(0, file.readUInt32LE(symbol.nameAt) - '__isoc23_'.length), symbol.nameAt);
    file.writeUInt16LE(tooNew.index, symbol.versionAt);
  }
  return file;
}

const loads = (path: string): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, ['-e', 'process.dlopen({ exports: {} }, process.argv[1])', path], { encoding: 'utf8' });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-glibc-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const put = (name: string): void => writeFileSync(join(directory, name), shippedBinary(name));
const onGlibc = (glibc: string | undefined, arch = 'x64'): string[] =>
  applyGlibcStep({ directory, platform: 'linux', arch, glibc });

describe('the glibc step', () => {
  test.each(['x64', 'arm64'])('gives the pinned file for every Node version on %s', (arch) => {
    const names = Object.keys(KNOWN_BINARIES).filter((name) => name.includes(`_${arch}_`));
    names.forEach(put);
    expect(onGlibc('2.36', arch)).toEqual(names);
    for (const name of names) expect(sha256(readFileSync(join(directory, name)))).toBe(KNOWN_BINARIES[name]?.patched);
    expect(readdirSync(directory).sort()).toEqual([...names].sort());
  });

  test('leaves no symbol of the C library that glibc 2.35 or older lacks, except the unused arc4random', () => {
    for (const name of Object.keys(KNOWN_BINARIES)) put(name);
    onGlibc('2.35', 'x64');
    onGlibc('2.35', 'arm64');
    for (const name of Object.keys(KNOWN_BINARIES)) {
      const { versions, symbols } = readDynamicSymbols(readFileSync(join(directory, name)));
      const newer = versions.filter(({ name: needed }) => Number(/^GLIBC_2\.(\d+)/.exec(needed)?.[1]) > 35);
      const bound = symbols.filter(({ version }) => newer.some(({ index }) => index === version));
      expect(bound.map((symbol) => symbol.name)).toEqual(['arc4random']);
    }
  });

  const name = `uws_linux_${process.arch}_${process.versions.modules}.node`;
  test.runIf(process.platform === 'linux' && name in KNOWN_BINARIES)('gives a file that this Node loads', () => {
    put(name);
    expect(onGlibc('2.36', process.arch)).toEqual([name]);
    expect(loads(join(directory, name))).toMatchObject({ status: 0, stderr: '' });
  });

  test('done twice, does nothing the second time', () => {
    const name = `uws_linux_x64_115.node`;
    put(name);
    onGlibc('2.36');
    const { mtimeMs, ino } = statSync(join(directory, name));
    expect(onGlibc('2.36')).toEqual([]);
    expect(statSync(join(directory, name))).toMatchObject({ mtimeMs, ino });
  });

  test.each(['2.38', '2.41', '3.0'])('does nothing on glibc %s', (glibc) => {
    const name = `uws_linux_x64_115.node`;
    put(name);
    expect(onGlibc(glibc)).toEqual([]);
    expect(sha256(readFileSync(join(directory, name)))).toBe(KNOWN_BINARIES[name]?.shipped);
  });

  test('does nothing on another system', () => {
    expect(applyGlibcStep({ directory, platform: 'darwin', arch: 'arm64', glibc: undefined })).toEqual([]);
  });

  test('refuses a file it does not know and leaves it as it is', () => {
    const name = `uws_linux_x64_127.node`;
    const changed = shippedBinary(name);
    changed[4096] = (changed[4096] ?? 0) ^ 1;
    writeFileSync(join(directory, name), changed);
    expect(() => onGlibc('2.36')).toThrow(/not the file this step knows/);
    expect(readFileSync(join(directory, name)).equals(changed)).toBe(true);
    expect(readdirSync(directory)).toEqual([name]);
  });

  test('says why it cannot help on musl, on an old glibc and on another processor', () => {
    expect(() => onGlibc(undefined)).toThrow(/Alpine has musl/);
    expect(() => onGlibc('2.31')).toThrow('needs glibc 2.35 or newer; this system has 2.31');
    expect(() => onGlibc('2.36', 'riscv64')).toThrow(/no Linux binary for the processor "riscv64"/);
  });
});
