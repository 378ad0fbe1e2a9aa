import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dependenciesInstalled } from './dependencies.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-deps-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const WANTED = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/tool': { version: '2.0.0', dev: true },
  'node_modules/a/node_modules/other-os': { version: '3.0.0', optional: true },
};

function installed(packages: Readonly<Record<string, object>>): void {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: WANTED }));
  for (const path of Object.keys(packages)) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
}

const { '': _root, 'node_modules/a/node_modules/other-os': _optional, ...ALL } = WANTED;

test('nothing is installed in a fresh clone', () => {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: WANTED }));
  expect(dependenciesInstalled(root, { dev: false })).toBe(false);
});

test('packages for other systems may be missing', () => {
  installed(ALL);
  expect(dependenciesInstalled(root, { dev: true })).toBe(true);
});

test('tools for developers may be missing only where they are not needed', () => {
  installed({ 'node_modules/a': ALL['node_modules/a'] });
  expect(dependenciesInstalled(root, { dev: false })).toBe(true);
  expect(dependenciesInstalled(root, { dev: true })).toBe(false);
});

test('another version, or a folder that was deleted, is not installed', () => {
  installed({ ...ALL, 'node_modules/a': { version: '0.9.0' } });
  expect(dependenciesInstalled(root, { dev: false })).toBe(false);
  installed(ALL);
  rmSync(join(root, 'node_modules/a'), { recursive: true });
  expect(dependenciesInstalled(root, { dev: false })).toBe(false);
});
