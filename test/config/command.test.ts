import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configHistoryAnswer } from '../../src/shared/admin/config.ts';
import { TOKEN } from '../admin/setup.ts';
import { commandIn, expectRefused, parsed } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import type { Gateway } from '../support/gateway.ts';
import { serves, startNode, yamlOf } from './setup.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-config-command-'));
let gateway: Gateway;
let run: Run;

beforeAll(async () => {
  gateway = await startNode('one', undefined);
  run = commandIn({ ADMIN_PORT: String(gateway.adminPort), ADMIN_TOKEN: TOKEN, GATEWAY_CONFIG: folder });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('what would change, push, history and back', async () => {
  expect((await run('config', 'history')).stdout).toContain('No version was pushed yet');
  expectRefused(await run('config', 'diff'), 78, /a folder with \*\.yaml files in it/);
  const file = write('one.yaml', yamlOf('first', 'a'));
  const differs = await run('config', 'diff');
  expect([differs.code, differs.stdout]).toEqual([1, expect.stringMatching(/^\+ routes\[a\]: \{"name":"a"/)]);
  expect(await serves(gateway, 'a')).toBe(false);
  const pushed = await run('config', 'push', '--comment', 'a comes');
  expect([pushed.code, pushed.stdout, pushed.stderr]).toEqual([0, expect.stringContaining('Version 1 is in use.'), '']);
  expect(await serves(gateway, 'a')).toBe(true);
  const same = await run('config', 'diff', file);
  expect([same.code, same.stdout]).toEqual([0, 'Nothing would change.\n']);

  write('two.yaml', 'routes: [{ path: /b, respond: { status: 200, text: b } }]\n');
  expectRefused(await run('config', 'push', '--on', '0'), 1, /Another version has come/);
  expect((await run('config', 'push')).code).toBe(0);
  expect(await serves(gateway, 'b')).toBe(true);
  const back = await run('config', 'rollback');
  expect([back.code, back.stdout]).toEqual([0, expect.stringContaining('Version 3 is in use.')]);
  expect(await serves(gateway, 'b')).toBe(false);
  expectRefused(await run('config', 'rollback', '9'), 1, /There are these versions: 3, 2, 1/);

  const history = await run('config', 'history');
  expect(history.stdout).toMatch(/^ +1 .* \+routes\[a\] +a comes$/m);
  expect(history.stdout).toContain('In use on one: version 3.');
  const { versions } = parsed(configHistoryAnswer, await run('config', 'history', '--json'));
  expect(versions.map(({ files }) => files)).toEqual([['one.yaml'], ['one.yaml', 'two.yaml'], ['one.yaml']]);

  write('two.yaml', 'routes: 5\n');
  expectRefused(await run('config', 'push'), 78, /two\.yaml:1/);
});

test('check says that a version is in use, and not the files that it has looked at', async () => {
  const file = write('looked-at.yaml', yamlOf('first', 'b'));
  const pushed = await run('config', 'push', file);
  expect(pushed.code).toBe(0);
  const store = { CONFIG_STORE: 'local', GATEWAY_CONFIG: file };
  const here = await commandIn({ ...store, ADMIN_PORT: String(gateway.adminPort) })('check');
  expect(here.code).toBe(0);
  expect(here.stderr).toContain(`Checked: the environment and the files of GATEWAY_CONFIG (${file}).`);
  expect(here.stderr).toMatch(/In use are not these files but version \d+, which was pushed/);
  const nowhere = await commandIn({ ...store, ADMIN_PORT: '1' })('check');
  expect([nowhere.code, nowhere.stderr]).toEqual([0, expect.stringContaining('where a version was pushed, that is')]);
  expect((await commandIn({ GATEWAY_CONFIG: file })('check')).stderr).toBe('');
});
