import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { quietFor, until } from '../../../test/support/wait.ts';
import { ConfigWatch } from './config-watch.ts';
import { FileRecorder } from './files-read.ts';
import type { FilesRead } from './files-read.ts';

let folder: string;
let watch: ConfigWatch | undefined;
let read: FilesRead;
let reloads: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-watch-'));
  reloads = [];
});
afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);

/** Reads a file and a folder, as a configuration would. @returns what the file says */
function load(path: string): string {
  const files = new FileRecorder();
  files.entriesOf(folder);
  let text = 'nothing';
  try {
    text = files.readFile(path);
  } catch {
    // that is what it says, then
  }
  read = files.read;
  return text;
}

function watchIt(path: string): void {
  load(path);
  watch = new ConfigWatch({
    everyMs: 10,
    read: () => read,
    reload: () => Promise.resolve(reloads.push(load(path))),
  });
}

const reloaded = (...texts: readonly string[]): Promise<number> =>
  until(() => JSON.stringify(reloads) === JSON.stringify(texts), { describe: () => reloads });

const SOME_LOOKS_MS = 700;

test('a file that is written in place, renamed over, taken away and put back', async () => {
  writeFileSync(at('g'), 'one');
  watchIt(at('g'));
  writeFileSync(at('g'), 'two');
  await reloaded('two');
  writeFileSync(at('.g.swp'), 'three');
  renameSync(at('.g.swp'), at('g'));
  await reloaded('two', 'three');
  unlinkSync(at('g'));
  await reloaded('two', 'three', 'nothing');
  writeFileSync(at('g'), 'three');
  await reloaded('two', 'three', 'nothing', 'three');
});

test('a folder whose link is swapped again and again, as a ConfigMap is', async () => {
  const put = (name: string, text: string): void => {
    mkdirSync(at(name));
    writeFileSync(join(at(name), 'g'), text);
    symlinkSync(name, at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
  };
  put('..one', 'one');
  symlinkSync('..data/g', at('g'));
  watchIt(at('g'));
  for (const name of ['two', 'three', 'four']) {
    put(`..${name}`, name);
    await until(() => reloads.at(-1) === name, { describe: () => reloads });
  }
  expect(reloads).toEqual(['two', 'three', 'four']);
});

test('what says the same is not read again, however new it is', async () => {
  writeFileSync(at('g'), 'one');
  watchIt(at('g'));
  writeFileSync(at('h'), 'one');
  renameSync(at('h'), at('g'));
  await quietFor(SOME_LOOKS_MS, 'nothing is to happen');
  writeFileSync(at('g'), 'one');
  await quietFor(SOME_LOOKS_MS, 'nothing is to happen');
  expect(reloads).toEqual([]);
});

test('a file that keeps changing is read when it has come to rest', async () => {
  writeFileSync(at('g'), '');
  watchIt(at('g'));
  let text = '';
  while (text.length < 40) {
    writeFileSync(at('g'), (text += 'x'));
    await quietFor(20, 'somebody writes it in steps');
  }
  await until(() => reloads.at(-1) === text, { describe: () => reloads });
  expect(reloads.length).toBeLessThan(10);
});

test('another file in a folder that was read', async () => {
  watchIt(at('g'));
  writeFileSync(at('another'), '');
  await reloaded('nothing');
});

test('what cannot be read twice is left alone', async () => {
  watchIt('/dev/null');
  await quietFor(SOME_LOOKS_MS, 'nothing is to happen');
  expect(reloads).toEqual([]);
});
