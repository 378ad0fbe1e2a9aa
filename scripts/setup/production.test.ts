import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mayChange } from './may-change.mjs';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** A clone that was never set up, with an npm that would be seen. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-production-'));
  cpSync(join(PROJECT, 'scripts'), join(root, 'scripts'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(PROJECT, name), join(root, name));
  mkdirSync(join(root, 'src'));
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\n: > "${root}/npm-ran"\nexit 1\n`, { mode: 0o755 });
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const start = (env: Readonly<Record<string, string>>) =>
  spawnSync(process.execPath, [join(root, 'scripts/start.mjs')], {
    env: { PATH: join(root, 'bin'), ...env },
    encoding: 'utf8',
  });

test.each([{ NODE_ENV: 'production' }, { GATEWAY_SETUP: 'off' }])('npm start with %j installs nothing', (env) => {
  const { status, stderr } = start(env);
  expect([status, existsSync(join(root, 'npm-ran')), existsSync(join(root, '.setup'))]).toEqual([1, false, false]);
  expect(stderr).toMatch(/^npm packages are missing or outdated\. Nothing is installed[^\n]+"npm ci"[^\n]+\n$/);
});

test('elsewhere it does', () => {
  start({});
  expect(existsSync(join(root, 'npm-ran'))).toBe(true);
});

test.each([
  [{}, true],
  [{ NODE_ENV: 'development' }, true],
  [{ NODE_ENV: 'production' }, false],
  [{ NODE_ENV: 'production', GATEWAY_SETUP: '' }, false],
  [{ NODE_ENV: 'production', GATEWAY_SETUP: 'on' }, true],
  [{ GATEWAY_SETUP: 'off' }, false],
])('%j: %s', (env, may) => {
  expect(mayChange(env)).toBe(may);
});
