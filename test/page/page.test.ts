import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually, until, untilPasses } from '../support/wait.ts';
import { openPage, signIn, startBrowser, stateOf } from './browser.ts';

const TOKEN = 'a-token-that-operators-type';
/** What a red verdict may take, as the page promises. */
const RED_WITHIN_MS = 3_000;

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser(['--host-resolver-rules=MAP evil.example 127.0.0.1']);
});
afterAll(() => browser.close());

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe finds wrong with what is shown now. */
async function violations(page: Page): Promise<string[]> {
  // Content-Security-Policy keeps scripts out of the page, but not those that the browser itself runs.
  await page.evaluate(axe.source);
  const found = await page.evaluate('axe.run().then(({ violations }) => violations)');
  return (found as Violation[]).map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
  );
}

const isAsWide = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth');

describe('one gateway', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      env: { ADMIN_TOKEN: TOKEN, CIRCUIT_BREAKER_FAILURE_THRESHOLD: '3', RATE_LIMIT_ALLOWLIST: '' },
    });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  test('shows charts and panels from its own port alone, without a complaint of the browser', async () => {
    await using open = await openPage(browser, pair.gateway);
    const { page, complaints } = open;
    expect(await stateOf(page)).toBe('ok');
    expect(await page.locator('#traffic-body canvas').count()).toBe(4);
    expect(await page.locator('.panel').count()).toBe(9);
    await page.locator('[data-minutes="1"]').click();
    await eventually(async () => /req|0/.test(await page.locator('#rate-now').innerText()), 'the rate is shown');
    expect(complaints).toEqual([]);
    const { headers } = await get(pair.gateway.adminPort, '/admin/ui/');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    const again = await get(pair.gateway.adminPort, {
      path: '/admin/ui/page.js',
      headers: {
        'if-none-match': (await get(pair.gateway.adminPort, '/admin/ui/page.js')).headers['etag'] ?? '',
      },
    });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test.each([
    ['light', { width: 1_280, height: 900 }],
    ['dark', { width: 1_280, height: 900 }],
    ['light', { width: 390, height: 844 }],
    // What is left of 1,280 pixels at 400 %.
    ['dark', { width: 320, height: 256 }],
  ] as const)('axe finds nothing wrong, and nothing is cut off: %s, %j', async (colorScheme, viewport) => {
    await using open = await openPage(browser, pair.gateway, { colorScheme, viewport });
    const { page } = open;
    expect(await violations(page)).toEqual([]);
    expect(await isAsWide(page)).toBe(true);
    await page.click('[data-session="in"]');
    expect(await violations(page)).toEqual([]);
    await page.press('#dialog-token', 'Escape');
    await page.goto(`${pair.gateway.adminUrl}/admin/ui/plain`);
    expect(await violations(page)).toEqual([]);
    await page.goto(`${pair.gateway.adminUrl}/admin/ui/runbook`);
    expect(await violations(page)).toEqual([]);
    expect(await isAsWide(page)).toBe(true);
  });

  test('without JavaScript it says where the same is, and that is there', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${pair.gateway.adminUrl}/admin/ui/`);
    await page.click('noscript a');
    expect(new URL(page.url()).pathname).toBe('/admin/ui/plain');
    expect(await page.locator('h1').innerText()).toContain('All well');
    expect(await page.locator('h2').allInnerTexts()).toContain('Upstreams');
    await context.close();
  });

  test('by keyboard: the skip link, then a question that takes the name, and nothing before it', async () => {
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    await signIn(page, TOKEN);
    const button = page.getByRole('button', { name: 'Hold open: the breaker of default' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('defalt');
    await page.keyboard.press('Enter');
    await eventually(async () => (await page.innerText('#dialog-problem')) === 'That is not the name.', 'it is told');
    await page.keyboard.press('Escape');
    expect(await page.locator('#dialog').isVisible()).toBe(false);
    const { body } = await get(pair.gateway.adminPort, '/admin/breakers/default');
    expect(JSON.parse(body)).toMatchObject({ state: 'CLOSED', forced: null });
  });

  test('why a client is refused, and a ban that is typed', async () => {
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    await signIn(page, TOKEN);
    await page.fill('#why-client', '203.0.113.9');
    await page.press('#why-client', 'Enter');
    await page.getByRole('button', { name: 'Ban 203.0.113.9' }).click();
    await page.fill('#dialog-name', '203.0.113.9');
    await page.selectOption('#dialog-for', '60');
    await page.click('#dialog-yes');
    await eventually(async () => (await page.locator('#refused').innerText()).includes('Banned'), 'the ban is listed');
    await eventually(
      async () => (await page.locator('#why-answer').innerText()).includes('Banned for'),
      'the answer is a new one',
    );
    const line = await pair.gateway.waitForLog(({ operation }) => operation === 'changeClientLimits');
    expect(line).toMatchObject({ audit: true, who: 'page', status: 200, body: { state: 'BANNED', for: 60 } });
    expect(JSON.stringify(pair.gateway.log)).not.toContain(TOKEN);
  });

  test('why a client is refused that maintenance keeps out, and what to do', async () => {
    const MAINTENANCE = { state: 'ON', for: 60, text: '<b>soon</b>', allow: ['10.7.0.0/16'] };
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${pair.gateway.adminPort}/admin/maintenance`;
    const say = async (body: unknown): Promise<number> =>
      (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
    expect(await say(MAINTENANCE)).toBe(200);
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    const answer = (): Promise<string> => page.locator('#why-answer').innerText();
    await page.fill('#why-client', '203.0.113.10');
    await page.press('#why-client', 'Enter');
    await eventually(async () => (await answer()).includes('503 maintenance'), 'it is told');
    expect(await answer()).toMatch(/Refused on 1 of 1 route[^]*"<b>soon<\/b>"[^]*gateway maintenance off/);
    await page.fill('#why-address', '10.7.0.1');
    await page.press('#why-address', 'Enter');
    await eventually(async () => (await answer()).includes('It would pass'), 'who is on the list passes');
    expect(await answer()).toContain('gateway why 203.0.113.10 --address 10.7.0.1');
    expect(await violations(page)).toEqual([]);
    expect(await say({ state: 'OFF' })).toBe(200);
  });

  test('another page of this very host changes nothing, with the cookie and without', async () => {
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    await signIn(page, TOKEN);
    const other = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<title>other</title>');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const foreign = await page.context().newPage();
    await foreign.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    const url = `${pair.gateway.adminUrl}/admin/breakers/default`;
    const body = JSON.stringify({ state: 'OPEN' });
    for (const type of ['application/json', 'text/plain']) {
      const mode = type === 'text/plain' ? 'no-cors' : 'cors';
      await foreign.evaluate(
        `fetch(${JSON.stringify(url)}, { method: 'POST', credentials: 'include', mode: '${mode}', headers: { 'content-type': '${type}' }, body: '${body}' }).catch(() => {})`,
      );
    }
    const read = `fetch(${JSON.stringify(`${pair.gateway.adminUrl}/admin/page`)}, { credentials: 'include' }).then(() => 'read', () => 'kept')`;
    expect(await foreign.evaluate(read)).toBe('kept');
    const refused = await pair.gateway.waitForLog(
      ({ who, operation }) => who === 'refused' && operation === 'changeBreaker',
    );
    expect(refused).toMatchObject({ audit: true, status: 403 });
    expect(JSON.parse((await get(pair.gateway.adminPort, '/admin/breakers/default')).body)).toMatchObject({
      forced: null,
    });
    other.closeAllConnections();
    other.close();
  });

  test('a name that was made to point here shows nothing, and nobody can sign in by it', async () => {
    const origin = `http://evil.example:${pair.gateway.adminPort}`;
    await using open = await openPage(browser, pair.gateway, { origin });
    const { page } = open;
    await eventually(async () => (await stateOf(page)) === 'lost', 'nothing is shown');
    const status = await page.evaluate(
      `fetch('/admin/session', { method: 'POST', headers: { 'content-type': 'application/json', 'x-gateway-page': '1' }, body: '{"token":"${TOKEN}"}' }).then(({ status }) => status)`,
    );
    expect(status).toBe(403);
    expect(await page.content()).not.toContain('Threads of');
  });

  test('the verdict is red within three seconds of a killed upstream, with what to do', async () => {
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    expect((await get(pair.port, '/proxy/ok')).status).toBe(200);
    expect(await stateOf(page)).toBe('ok');
    await pair.upstream[Symbol.asyncDispose]();
    let asking = true;
    const load = (async () => {
      while (asking) await get(pair.port, '/proxy/ok').catch(() => undefined);
    })();
    await until(async () => (await stateOf(page)) === 'bad', { withinMs: RED_WITHIN_MS });
    await untilPasses(async () => {
      const text = await page.locator('#verdict').innerText();
      expect(text).toMatch(/since \d\d:\d\d:\d\d/);
      expect(text).toContain('Runbook: ');
      expect(text).toContain('gateway breaker list');
    });
    asking = false;
    await load;
    expect(await page.title()).toMatch(/^■ Something is wrong/);
    const link = page.locator('#verdict a', { hasText: 'Circuit Breaker Stuck Open' }).first();
    const href = new URL((await link.getAttribute('href')) ?? '', page.url());
    const runbook = await get(pair.gateway.adminPort, href.pathname);
    expect(runbook.body).toContain(`id="${href.hash.slice(1)}"`);
    expect(await violations(page)).toEqual([]);
  });
});

describe('two nodes of one Redis', () => {
  let redis: TestRedis;
  let one: Gateway;
  let two: Gateway;
  beforeAll(async () => {
    redis = await startRedis();
    const node = (NODE_NAME: string): Promise<Gateway> =>
      startGateway({
        env: {
          NODE_NAME,
          REDIS_URL: `redis://127.0.0.1:${redis.port}`,
          ADMIN_TOKEN: TOKEN,
          UPSTREAM_URL: 'http://127.0.0.1:1',
          ACCESS_LOG: 'off',
        },
      });
    [one, two] = await Promise.all([node('one'), node('two')]);
  });
  afterAll(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  test('a breaker that is held from the page of one is seen on that of the other', async () => {
    await using here = await openPage(browser, one);
    await using there = await openPage(browser, two);
    await eventually(async () => (await there.page.locator('tr[data-key="one"]').count()) === 1, 'it knows the other');
    await signIn(here.page, TOKEN);
    await here.page.getByRole('button', { name: 'Hold open: the breaker of default' }).click();
    await here.page.fill('#dialog-name', 'default');
    await here.page.click('#dialog-yes');
    await eventually(
      async () => (await there.page.locator('#upstreams-body').innerText()).includes('held open by hand'),
      'the other shows it',
    );
    expect(await one.waitForLog(({ operation }) => operation === 'changeBreaker')).toMatchObject({
      who: 'page',
      status: 200,
    });
    await here.page.getByRole('button', { name: 'Let the breaker of default decide again' }).click();
    await here.page.fill('#dialog-name', 'default');
    await here.page.click('#dialog-yes');
    await eventually(
      async () => !(await there.page.locator('#upstreams-body').innerText()).includes('held'),
      'and that it was given back',
    );
  });

  test('whatever somebody writes into Redis is text', async () => {
    const name = '<img src=x onerror="window.hit=1">\u001b[31m\u202eevil';
    const vitals = {
      verdict: 'degraded',
      reasons: ['<script>window.hit=1</script>\u202ereason'],
      requests: 1,
      errors5xx: 0,
      refused429: 0,
      p50: null,
      p95: null,
      p99: null,
      inFlight: 0,
      openConnections: 0,
      threadsServing: 1,
      threadRestarts: 0,
      loop: 0,
      heapBytes: 1,
      configDigest: 1,
    };
    const { client } = redis;
    const say = async (): Promise<void> => {
      const [seconds] = await client.time();
      await client.zadd('api-gateway:nodes', Number(seconds) * 1000, name);
      await client.set(
        `api-gateway:node:${name}`,
        JSON.stringify({ version: name, started: 'never', threads: 1, address: name, vitals }),
      );
      await client.set(
        `api-gateway:refused:${name}`,
        JSON.stringify({ windowMs: 1_000, clients: [[name, 9, 0]] }),
        'PX',
        60_000,
      );
    };
    await using open = await openPage(browser, one);
    const { page, complaints } = open;
    const seen = async (panel: string): Promise<string> => page.locator(panel).innerText();
    await eventually(async () => {
      await say();
      return (await seen('#nodes-body')).includes('<img src=x') && (await seen('#verdict')).includes('<script>');
    }, 'the name is shown');
    expect(await seen('#nodes-body')).toContain('<img src=x onerror="window.hit=1">\\x1b[31m\\u{202e}evil');
    expect(await seen('#verdict')).toContain('\\u{202e}reason');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(complaints).toEqual([]);
    await say();
    await page.goto(`${one.adminUrl}/admin/ui/plain`);
    const plain = await page.locator('body').innerText();
    expect(plain).toContain('<img src=x');
    expect(plain).not.toContain('\u202e');
    expect(await page.evaluate('window.hit')).toBeUndefined();
    await client.zrem('api-gateway:nodes', name);
  });

  test('a node that is gone is no longer listed, and the page of the other stays', async () => {
    await using open = await openPage(browser, one);
    const { page } = open;
    await eventually(async () => (await page.locator('tr[data-key="two"]').count()) === 1, 'it is listed');
    await two.stop('SIGKILL');
    await eventually(async () => (await page.locator('tr[data-key="two"]').count()) === 0, 'it is not any more');
    expect(await stateOf(page)).not.toBe('lost');
  });
});

/** Takes the next answer that the page asks for, and gives it to it when released. */
async function holdAnswer(page: Page): Promise<{ release(): Promise<void> }> {
  const give = await new Promise<() => Promise<void>>((resolve, reject) => {
    page
      .route(
        '**/admin/page?*',
        async (route) => {
          const response = await route.fetch();
          resolve(() => route.fulfill({ response }));
        },
        { times: 1 },
      )
      .catch(reject);
  });
  return {
    release: async () => {
      const taken = page.waitForResponse('**/admin/page?*');
      await give();
      await (await taken).finished();
    },
  };
}

describe('sessions', () => {
  test('one that is over asks for the token again, and nothing was changed by it', async () => {
    const tokens = await startPair({ env: { ADMIN_TOKEN: TOKEN } });
    await using pair = tokens;
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    await signIn(page, TOKEN);
    await page.context().clearCookies();
    const cookie = {
      name: `gateway_session_${pair.gateway.adminPort}`,
      value: 'of-another-life',
      url: pair.gateway.adminUrl,
    };
    await page.context().addCookies([cookie]);
    await page.getByText('Your session is over').waitFor();
    const answer = await get(pair.gateway.adminPort, {
      method: 'POST',
      path: '/admin/breakers/default',
      headers: { cookie: `${cookie.name}=${cookie.value}`, host: `127.0.0.1:${pair.gateway.adminPort}` },
    });
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([401, { code: 'session_expired' }]);
    await page.fill('#dialog-token', 'not the token');
    await page.click('#dialog-yes');
    await page.getByText('That is not the admin token.').waitFor();
    await page.fill('#dialog-token', TOKEN);
    await page.click('#dialog-yes');
    await page.waitForSelector('[data-session="out"]');
  });

  test('an answer from before the sign-in or the sign-out, which comes after it, says nothing of the session', async () => {
    await using pair = await startPair({ env: { ADMIN_TOKEN: TOKEN } });
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    const shown = (): Promise<boolean> => page.locator('#dialog').evaluate((dialog: { open: boolean }) => dialog.open);

    const before = await holdAnswer(page);
    await page.click('[data-session="in"]');
    await page.fill('#dialog-token', TOKEN);
    await page.press('#dialog-token', 'Enter');
    await page.getByText('Signed in.').waitFor();
    await before.release();
    await page.waitForSelector('[data-session="out"]');
    expect(await shown()).toBe(false);

    const during = await holdAnswer(page);
    const ended = page.waitForResponse((answer) => answer.request().method() === 'DELETE');
    await page.click('[data-session="out"]');
    await (await ended).finished();
    await during.release();
    await page.waitForSelector('[data-session="in"]');
    expect(await shown()).toBe(false);
  });

  test('without ADMIN_TOKEN the page only reads, and has no button that changes anything', async () => {
    await using pair = await startPair();
    await using open = await openPage(browser, pair.gateway);
    const { page } = open;
    expect(await page.locator('#session').innerText()).toBe('Read-only');
    expect(await page.locator('[data-action]').count()).toBe(0);
  });

  test('ADMIN_UI=off: there is no page', async () => {
    await using pair = await startPair({ env: { ADMIN_UI: 'off' } });
    for (const path of ['/admin/ui/', '/admin/page', '/admin/ui/plain']) {
      expect([path, (await get(pair.gateway.adminPort, path)).status]).toEqual([path, 404]);
    }
  });
});
