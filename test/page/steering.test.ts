import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../admin/setup.ts';
import { push, serves, startNode, yamlOf } from '../config/setup.ts';
import { startGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { open, socketUpstream } from '../websocket/peers.ts';
import { openPage, signIn, startBrowser } from './browser.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

test('a target is drained and taken back from the page, on all nodes, and the last one is not', async () => {
  await using redis = await startRedis();
  const targets = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];
  const start = (NODE_NAME: string) =>
    startGateway({
      yaml: `upstreams:\n  orders:\n    targets: [${targets.map((url) => `{ url: "${url}" }`).join(', ')}]\nroutes:\n  - { name: orders, path: /orders, upstream: orders }\n`,
      env: { NODE_NAME, ADMIN_TOKEN: TOKEN, REDIS_URL: `redis://127.0.0.1:${redis.port}` },
    });
  await using one = await start('one');
  await using two = await start('two');
  await using here = await openPage(browser, one);
  await using there = await openPage(browser, two);
  const { page } = here;
  await signIn(page, TOKEN);
  const press = async (name: string, typed: string): Promise<void> => {
    await page.getByRole('button', { name }).click();
    expect(await page.locator('#dialog').innerText()).toMatch(/gateway targets (drain|up) orders http:/);
    await page.fill('#dialog-name', typed);
    await page.click('#dialog-yes');
  };
  await press('Drain: target http://127.0.0.1:1 of orders', 'http://127.0.0.1:1');
  const seen = () => there.page.locator('#upstreams-body').innerText();
  await eventually(async () => (await seen()).includes('drained by hand'), 'the other shows it');
  await press('Drain: target http://127.0.0.1:2 of orders', 'http://127.0.0.1:2');
  await eventually(
    async () => (await page.innerText('#dialog-problem')).includes('nothing would be left'),
    'it is told why not',
  );
  await page.keyboard.press('Escape');
  await press('Take back: target http://127.0.0.1:1 of orders', 'http://127.0.0.1:1');
  await eventually(async () => !(await seen()).includes('drained by hand'), 'and that it is back');
  expect(await one.waitForLog(({ operation }) => operation === 'changeTarget')).toMatchObject({ who: 'page' });
});

test('versions of the configuration are listed, what going back changes is shown, and it is done', async () => {
  await using gateway = await startNode('one', undefined);
  await push(gateway, yamlOf('a'));
  await push(gateway, yamlOf('a', 'b'));
  await using opened = await openPage(browser, gateway);
  const { page } = opened;
  await signIn(page, TOKEN);
  await page.getByRole('button', { name: 'Go back to it: what going back to version 1 would change' }).click();
  await eventually(
    async () => (await page.locator('#dialog .diff').innerText()).includes('routes[b]'),
    'what would change is shown',
  );
  expect(await serves(gateway, 'b')).toBe(true);
  await page.fill('#dialog-name', '1');
  await page.click('#dialog-yes');
  await eventually(async () => !(await serves(gateway, 'b')), 'it is done');
  await eventually(
    async () => (await page.locator('#config-versions tbody tr').first().innerText()).includes('back to version 1'),
    'and is listed',
  );
  expect(await gateway.waitForLog(({ operation }) => operation === 'rollbackConfig')).toMatchObject({ who: 'page' });
});

test('WebSockets of all nodes are seen by route, with how they ended', async () => {
  await using redis = await startRedis();
  await using upstream = await socketUpstream({ echo: true });
  const start = (NODE_NAME: string) =>
    startGateway({
      env: { NODE_NAME, REDIS_URL: `redis://127.0.0.1:${redis.port}`, UPSTREAM_URL: upstream.url, ACCESS_LOG: 'off' },
    });
  await using one = await start('one');
  await using two = await start('two');
  for (const { port } of [one, two]) {
    const peer = await open(`ws://127.0.0.1:${port}/proxy/ws`);
    peer.socket.send('four');
    await peer.got(1);
  }
  const ended = await open(`ws://127.0.0.1:${two.port}/proxy/ws`);
  ended.socket.close(4321);
  await ended.ended();
  await using opened = await openPage(browser, one);
  const row = async (): Promise<string[]> =>
    opened.page.locator('#sockets-body tr[data-key="proxy"]').locator('th, td').allInnerTexts();
  const wanted = ['proxy', '2', '3', 'client 4xxx: 1', '2', '2', '8 B', '8 B', '0'];
  await eventually(async () => (await row()).join('|') === wanted.join('|'), 'both nodes are in it');
  expect(await opened.page.locator('#sockets-note').innerText()).toContain('2 open · of all 2 nodes');
  await eventually(async () => (await get(two.adminPort, '/admin/page')).body.includes('"open":2'), 'from any node');
});

test('the charts can be of one node alone, chosen by keyboard', async () => {
  await using redis = await startRedis();
  const start = (NODE_NAME: string) =>
    startGateway({
      env: { NODE_NAME, REDIS_URL: `redis://127.0.0.1:${redis.port}`, UPSTREAM_URL: 'http://127.0.0.1:1' },
    });
  await using one = await start('one');
  await using _two = await start('two');
  await using opened = await openPage(browser, one);
  const { page } = opened;
  const scope = (): Promise<string> => page.locator('#traffic-scope').innerText();
  await eventually(async () => (await scope()) === 'of the whole cluster', 'both are in it');
  await page.selectOption('#traffic-node', 'two');
  await eventually(async () => (await scope()) === 'of one node', 'one is chosen');
  redis.kill('SIGKILL');
  await eventually(async () => (await scope()).startsWith('node one alone: Redis does not answer'), 'it says why');
});
