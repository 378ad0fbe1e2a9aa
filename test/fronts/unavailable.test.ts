import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '../..');

/** The gateway as it is, but with a uWebSockets.js of our own. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gateway-without-uws-'));
  cpSync(join(PROJECT, process.env['GATEWAY_TEST_DIST'] ?? 'dist'), join(root, 'dist'), { recursive: true });
  cpSync(join(PROJECT, 'package.json'), join(root, 'package.json'));
  mkdirSync(join(root, 'node_modules'));
  for (const name of readdirSync(join(PROJECT, 'node_modules'))) {
    if (name === 'uWebSockets.js') continue;
    symlinkSync(join(PROJECT, 'node_modules', name), join(root, 'node_modules', name));
  }
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Fails to load in the words of the real one. */
function addUws(loaderSays: string): void {
  const folder = join(root, 'node_modules/uWebSockets.js');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "exports": { "import": "./esm.mjs", "require": "./uws.js" } }');
  writeFileSync(join(folder, 'esm.mjs'), `import uws from './uws.js';\nexport default uws;\n`);
  const text = `This version of uWS.js supports only some Node.js versions.\n\nError: ${loaderSays}`;
  writeFileSync(join(folder, 'uws.js'), `throw new Error(${JSON.stringify(text)});\n`);
}

const PLACES = { PORT: '0', ADMIN_PORT: '0', HOST: '127.0.0.1', WORKERS: '1', UPSTREAM_URL: 'http://127.0.0.1:9' };

test.each([
  ['whose binary does not fit', "libc.so.6: version `GLIBC_2.38' not found", "version `GLIBC_2.38' not found"],
  ['that is not installed', undefined, "Cannot find module 'uWebSockets.js'"],
])('FRONT=uws with a library %s: one line says what to run', (_what, loaderSays, shown) => {
  if (loaderSays !== undefined) addUws(loaderSays);
  const env = { PATH: process.env['PATH'], ...PLACES, FRONT: 'uws' };
  // Supervised, as an operator starts it: the parent must not start it again and again.
  const args = [join(root, 'dist/src/cli/main.js'), 'start'];
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 60_000 });
  expect(status).toBe(78);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toContain('FRONT=uws cannot run here: uWebSockets.js does not load');
  expect(stderr).toContain(shown);
  expect(stderr).toContain('node scripts/setup.mjs --front uws');
});
