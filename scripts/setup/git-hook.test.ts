import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installGitHook } from './git-hook.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-hook-'));
  mkdirSync(join(root, '.githooks'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const git = (...args: string[]): string => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' }).stdout.trim();

test('is set once in a checkout', () => {
  git('init');
  expect(installGitHook(root)).toBe(true);
  expect(git('config', 'core.hooksPath')).toBe('.githooks');
  expect(installGitHook(root)).toBe(false);
});

test('leaves the choice of the owner alone', () => {
  git('init');
  git('config', 'core.hooksPath', 'mine');
  expect(installGitHook(root)).toBe(false);
  expect(git('config', 'core.hooksPath')).toBe('mine');
});

test('does nothing outside a checkout', () => {
  expect(installGitHook(root)).toBe(false);
});
