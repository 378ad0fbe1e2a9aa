import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BEARER, call, TOKEN } from '../admin/setup.ts';
import { startGateway } from '../support/gateway.ts';
import { freePort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { history, push, rollback, serves, startNode, tryPush, yamlOf } from './setup.ts';

test('a node alone keeps its versions in STATE_DIR, goes back, and starts with the one in use', async () => {
  const port = await freePort();
  await using gateway = await startNode('one', undefined, { PORT: String(port) });
  expect(await serves(gateway, 'first')).toBe(true);
  expect(await push(gateway, yamlOf('a'))).toMatchObject({
    version: 1,
    dryRun: false,
    complete: true,
    changes: [
      { path: 'routes[first]', change: 'removed' },
      { path: 'routes[a]', change: 'added' },
    ],
  });
  expect([await serves(gateway, 'first'), await serves(gateway, 'a')]).toEqual([false, true]);
  expect(await push(gateway, yamlOf('a', 'b'))).toMatchObject({ version: 2 });
  expect(await push(gateway, yamlOf('a', 'b'))).toMatchObject({ version: 2, changes: [] });
  expect(await rollback(gateway)).toMatchObject({ version: 3 });
  expect(await serves(gateway, 'b')).toBe(false);
  expect(await history(gateway)).toMatchObject({
    store: 'local',
    version: 3,
    versions: [
      { version: 3, comment: 'back to version 1', changes: '-routes[b]', by: expect.stringContaining(' at one') },
      { version: 2, changes: '+routes[b]' },
      { version: 1, files: ['gateway.yaml'] },
    ],
  });
  // A reload by hand, and a file of before, change nothing of it.
  gateway.writeYaml(yamlOf('file'));
  expect((await call(gateway, 'POST /admin/reload', { headers: BEARER })).status).toBe(200);
  expect([await serves(gateway, 'a'), await serves(gateway, 'file')]).toEqual([true, false]);
  expect(await gateway.stop()).toBe(0);

  await using again = await startNode('one', undefined, { PORT: String(port), STATE_DIR: gateway.stateDir });
  expect([await serves(again, 'a'), await serves(again, 'first')]).toEqual([true, false]);
  expect(await history(again)).toMatchObject({ version: 3, versions: [{}, {}, {}] });
  expect(await rollback(again, { version: 2 })).toMatchObject({ version: 4 });
  expect(await serves(again, 'b')).toBe(true);
});

test('a trial, what is not valid, and what is based on another version change nothing', async () => {
  await using gateway = await startNode('one', undefined);
  const files = (text: string) => ({ body: { files: [{ name: 'g.yaml', text }] }, headers: BEARER });
  const trial = await call(gateway, 'PUT /admin/config?dry_run=1', files(yamlOf('first', 'a')));
  expect(trial.json).toMatchObject({ version: 0, dryRun: true, changes: [{ path: 'routes[a]', change: 'added' }] });
  expect(await serves(gateway, 'a')).toBe(false);
  const wrong = await tryPush(gateway, 'routes: 5');
  expect([wrong.status, wrong.json]).toMatchObject([422, { code: 'invalid_configuration' }]);
  expect(JSON.stringify(wrong.json)).toContain('gateway.yaml:1: routes');
  expect((await call(gateway, 'PUT /admin/config', files(yamlOf('a')))).status).toBe(428);
  expect((await tryPush(gateway, yamlOf('a'), '"7"')).status).toBe(412);
  const both = await Promise.all([tryPush(gateway, yamlOf('a'), '"0"'), tryPush(gateway, yamlOf('b'), '"0"')]);
  expect(both.map(({ status }) => status)).toEqual([200, 412]);
  const shown = await call(gateway, 'GET /admin/config');
  expect(shown.headers.etag).toBe('"1"');
});

test('where the configuration comes from files a push says so, and a trial works', async () => {
  await using gateway = await startGateway({ yaml: yamlOf('first'), env: { ADMIN_TOKEN: TOKEN } });
  expect([(await tryPush(gateway, yamlOf('a'))).json['code'], (await history(gateway)).store]).toEqual([
    'config_store_files',
    'files',
  ]);
  const trial = await call(gateway, 'PUT /admin/config?dry_run=1', {
    body: { files: [{ name: 'g.yaml', text: yamlOf('a') }] },
    headers: BEARER,
  });
  expect(trial.status).toBe(200);
});

test('what a version refers to is looked for on the node, and no secret is shown, logged or stored', async () => {
  const port = await freePort();
  await using gateway = await startNode('one', undefined, { PORT: String(port), HUSH_TOKEN: 'hush-hush' });
  const text = `upstreams: { o: { url: "http://127.0.0.1:1/\${HUSH_TOKEN}" } }\nroutes:\n  - { path: /o, upstream: o, request_headers: { set: { authorization: "plain-secret" } } }\n`;
  const pushed = await tryPush(gateway, text);
  expect(pushed.status).toBe(200);
  const shown = `${pushed.text}${(await get(gateway.adminPort, '/admin/config/history')).body}${JSON.stringify(gateway.log)}`;
  expect(shown).toContain('upstreams[o]');
  expect(shown).not.toMatch(/hush-hush|plain-secret/);
  const kept = readFileSync(join(gateway.stateDir, `config-versions-${port}`), 'utf8');
  expect(kept).toContain('HUSH_TOKEN');
  expect(kept).not.toContain('hush-hush');
});
