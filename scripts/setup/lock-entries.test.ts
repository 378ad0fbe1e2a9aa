import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installDependencies } from './dependencies.mjs';
import { checkLockEntries } from './lock-entries.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-lock-entries-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const GOOD = { version: '1.0.0', integrity: 'sha512-abc' };

function put(packages: Readonly<Record<string, object>>, locked = { dependencies: { a: '1.0.0' } }): void {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ dependencies: { a: '1.0.0' } }));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': locked, ...packages } }));
}

test("this project's lock can be checked", () => {
  expect(() => checkLockEntries(fileURLToPath(new URL('../../', import.meta.url)))).not.toThrow();
});

test.each([
  ['without a hash', { version: '1.0.0' }],
  ['with an empty one', { version: '1.0.0', integrity: '' }],
  ['with a weak one', { version: '1.0.0', integrity: 'sha1-abc' }],
  ['from a repository', { ...GOOD, resolved: 'git+ssh://git@example.com/a.git#1' }],
  ['from a file', { ...GOOD, resolved: 'file:../a' }],
  ['that is a link', { link: true }],
])('a package %s is not installed', (_what, entry) => {
  put({ 'node_modules/a': entry, 'node_modules/b': GOOD });
  expect(() => checkLockEntries(root)).toThrow(/none is installed: node_modules\/a\.$/);
  expect(() => installDependencies(root)).toThrow(/none is installed/);
});

test('a package that the lock does not know is not looked for', () => {
  put({ 'node_modules/b': GOOD }, { dependencies: {} as { a: string } });
  expect(() => checkLockEntries(root)).toThrow(/differ \(dependencies\)/);
  put({ 'node_modules/a': GOOD });
  expect(() => checkLockEntries(root)).not.toThrow();
});
