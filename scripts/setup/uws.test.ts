import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pinnedHashes } from '../glibc/known-binaries.mjs';
import { SetupError } from './setup-error.mjs';
import { checkUws, prepareUws, uwsInOrder } from './uws.mjs';

const NAME = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const SOURCE = new URL('../../node_modules/uWebSockets.js/', import.meta.url);

/** A project whose uWebSockets.js has no binary, for a start. */
let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-uws-'));
  folder = join(root, 'node_modules/uWebSockets.js');
  mkdirSync(folder, { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const prepare = (need: Parameters<typeof prepareUws>[1]): string | undefined => prepareUws(root, need, () => {});

describe('a system without a binary', () => {
  test('has all in order for a start that does not use it', () => {
    expect(uwsInOrder(root, 'unused', undefined)).toBe(true);
    expect(prepare('unused')).toBeUndefined();
  });

  test('has nothing to prepare for tests', () => {
    expect(uwsInOrder(root, 'wanted', undefined)).toBe(true);
    expect(prepare('wanted')).toBeUndefined();
  });

  test('cannot start FRONT=uws, and one line says what can be done', () => {
    expect(uwsInOrder(root, 'needed', undefined)).toBe(false);
    expect(() => prepare('needed')).toThrow(SetupError);
    expect(() => prepare('needed')).toThrow(/^FRONT=uws cannot run here: uWebSockets\.js [^\n]+ FRONT=native can\.$/);
  });
});

describe.runIf(readdirSync(SOURCE).includes(NAME))('a system with a binary', () => {
  beforeEach(() => cpSync(new URL(NAME, SOURCE), join(folder, NAME)));

  test('is in order once it was prepared, until the file changes', () => {
    expect(uwsInOrder(root, 'needed', undefined)).toBe(false);
    expect(uwsInOrder(root, 'wanted', undefined)).toBe(false);
    const fingerprint = prepare('needed');
    expect(fingerprint).toContain(NAME);
    expect(uwsInOrder(root, 'needed', fingerprint)).toBe(true);
    expect(uwsInOrder(root, 'wanted', fingerprint)).toBe(true);
    writeFileSync(join(folder, NAME), 'another');
    expect(uwsInOrder(root, 'needed', fingerprint)).toBe(false);
  });

  test('that is not the pinned one is not used, on whatever system', () => {
    prepare('needed');
    const fingerprint = prepare('needed');
    const { atimeMs, mtimeMs, size } = statSync(join(folder, NAME));
    writeFileSync(join(folder, NAME), Buffer.alloc(size));
    utimesSync(join(folder, NAME), atimeMs / 1000, mtimeMs / 1000); // as somebody would who does not want to be seen
    expect(uwsInOrder(root, 'needed', fingerprint)).toBe(false);
    expect(() => prepare('needed')).toThrow(/sha256/);
    expect(() => checkUws(root)).toThrow(/is not the file that was pinned/);
  });

  test('is not looked at by a start that does not use it', () => {
    writeFileSync(join(folder, NAME), 'no such binary');
    expect(uwsInOrder(root, 'unused', undefined)).toBe(true);
    expect(prepare('unused')).toBeUndefined();
  });
});

test('the binary of every system is pinned', () => {
  const names = readdirSync(SOURCE).filter((name) => name.endsWith('.node'));
  expect(names.filter((name) => pinnedHashes(name).length === 0)).toEqual([]);
  expect(pinnedHashes('constructor')).toEqual([]);
});
