import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildDist, canBuild, isDistFresh } from './dist.mjs';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** A small project with this one's compiler and settings. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-dist-'));
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) cpSync(join(PROJECT, name), join(root, name));
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  mkdirSync(join(root, 'src'));
  put('package.json', '{ "type": "module" }');
  put('src/a.ts', `export const a: number = 1;\n`);
  put('src/a.test.ts', `export const notBuilt = true;\n`);
  put('src/take.lua', 'return 1\n');
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const put = (path: string, text: string): void => writeFileSync(join(root, path), text);

describe('dist', () => {
  test('is built with assets and without tests, and is fresh then', () => {
    expect(isDistFresh(root)).toBe(false);
    expect(canBuild(root)).toBe(true);
    buildDist(root);
    expect(isDistFresh(root)).toBe(true);
    expect(readdirSync(join(root, 'dist/src')).sort()).toEqual(['a.js', 'a.js.map', 'take.lua']);
    expect(JSON.parse(readFileSync(join(root, 'dist/src/a.js.map'), 'utf8'))).toMatchObject({
      sources: ['../../src/a.ts'],
    });
    expect(readdirSync(root).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
  });

  test('packs an entry with all it imports, which goes on seeing its own place', () => {
    mkdirSync(join(root, 'src/cli/deeper'), { recursive: true });
    put('src/cli/deeper/asset.ts', `export const asset: URL = new URL('../../take.lua', import.meta.url);\n`);
    put(
      'src/cli/main.ts',
      `import { pathToFileURL } from 'node:url';
      import leven from 'leven';
      import { asset } from './deeper/asset.ts';
      if (pathToFileURL(process.argv[1] ?? '').href === import.meta.url) process.stdout.write(asset.href + leven('a', 'b'));
      export const main = 1;\n`,
    );
    buildDist(root);
    for (const unneeded of ['node_modules', 'dist/src/cli/deeper']) rmSync(join(root, unneeded), { recursive: true });
    const main = join(root, 'dist/src/cli/main.js');
    const printed = execFileSync(process.execPath, [main], { encoding: 'utf8' });
    expect(printed).toBe(`${pathToFileURL(join(root, 'dist/src/take.lua')).href}1`);
    expect(readFileSync(join(root, 'dist/src/bundle/cli-main.js.map'), 'utf8')).toContain('../../../src/cli/main.ts');
  });

  test.each([
    ['a source', () => put('src/a.ts', 'export const a: number = 2;\n')],
    ['an asset', () => put('src/take.lua', 'return 2\n')],
    ['a new source', () => put('src/b.ts', 'export const b = 1;\n')],
    ['a deleted source', () => rmSync(join(root, 'src/take.lua'))],
    ['a setting', () => put('tsconfig.build.json', readFileSync(join(root, 'tsconfig.build.json'), 'utf8') + '\n')],
  ])('is stale after a change of %s', (_what, change) => {
    buildDist(root);
    change();
    expect(isDistFresh(root)).toBe(false);
    buildDist(root);
    expect(isDistFresh(root)).toBe(true);
  });

  test('is not stale after a change of a test, and forgets deleted sources', () => {
    put('src/b.ts', 'export const b = 1;\n');
    buildDist(root);
    put('src/a.test.ts', 'export {};\n');
    expect(isDistFresh(root)).toBe(true);
    rmSync(join(root, 'src/b.ts'));
    buildDist(root);
    expect(existsSync(join(root, 'dist/src/b.js'))).toBe(false);
  });

  test('stays as it was when the sources do not compile', () => {
    buildDist(root);
    put('src/a.ts', `export const a: number = 'no';\n`);
    expect(() => buildDist(root)).toThrow(/do not compile/);
    expect(readFileSync(join(root, 'dist/src/a.js'), 'utf8')).toContain('a = 1');
    expect(readdirSync(root).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
  });

  test('without sources beside it, as in an image, is taken as it is', () => {
    buildDist(root);
    rmSync(join(root, 'src'), { recursive: true });
    expect(isDistFresh(root)).toBe(true);
  });
});
