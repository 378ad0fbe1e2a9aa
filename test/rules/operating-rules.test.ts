import { expect, test } from 'vitest';
import { limitCalls } from '../admin/limits-calls.ts';
import { describeFronts } from '../support/fronts.ts';
import { requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import { reloadsOf } from '../support/reload.ts';
import { get } from '../support/requests.ts';
import { startRuled } from './ruled.ts';

describeFronts('rules in operation', (front) => {
  test('who is banned gets neither redirects nor fixed answers; who is exempt gets them as ever', async () => {
    const routes = 'routes: [{ path: /old, redirect: { to: /new } }, { path: /ping, respond: { text: ok } }]';
    await using ruled = await startRuled(routes, { front, env: { RATE_LIMIT_KEY: 'header-plain:client' } });
    const calls = limitCalls(ruled);
    await calls.change('bad', { state: 'BANNED', for: 600 });
    await calls.change('good', { state: 'EXEMPT', for: 600 });
    const ask = async (path: string, client: string): Promise<number> =>
      statusOf(await ruled.ask(requestText('GET', path, [`client: ${client}`])));
    expect(await Promise.all(['/old', '/ping'].map((path) => ask(path, 'bad')))).toEqual([403, 403]);
    expect(await Promise.all(['/old', '/ping'].map((path) => ask(path, 'good')))).toEqual([307, 200]);
    expect(await Promise.all(['/old', '/ping'].map((path) => ask(path, 'other')))).toEqual([307, 200]);
    expect(await calls.show('bad')).toMatchObject({ routes: [{ route: 'old' }, { route: 'ping' }] });
  });

  test('a reload changes them, and one with a mistake changes nothing', async () => {
    const upstreams = (port: number): string => `upstreams: { o: { url: "http://127.0.0.1:${port}" } }\n`;
    const set = (value: string): string =>
      `routes: [{ path: /a, upstream: o, request_headers: { set: { x-v: "${value}" } } }]`;
    await using ruled = await startRuled(set('1'), { front });
    const reload = reloadsOf(ruled.gateway);
    const version = async (): Promise<string[]> => valuesOf(await ruled.seen(requestText('GET', '/a')), 'x-v');
    expect(await version()).toEqual(['1']);
    await reload(upstreams(ruled.upstream.port) + set('2'));
    expect(await version()).toEqual(['2']);
    ruled.gateway.writeYaml(upstreams(ruled.upstream.port) + set('3\\r\\nX-Evil: 1'));
    ruled.gateway.process.kill('SIGHUP');
    await ruled.gateway.waitForLog((line) => JSON.stringify(line).includes('without CR, LF and NUL'));
    expect(await version()).toEqual(['2']);
    await reload(`${upstreams(ruled.upstream.port)}routes: [{ path: /a, upstream: o }]`);
    expect(await version()).toEqual([]);
    await reload('routes: [{ path: /a, respond: { text: closed } }]');
    expect((await ruled.ask(requestText('GET', '/a'))).body).toBe('closed');
  });

  test('a thousand rules, and a thousand routes that differ in match alone', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `x-rule-${i}`);
    const versions = Array.from({ length: 1_000 }, (_, i) => i);
    const routes = [
      `  - { path: /many, upstream: o, request_headers: { set: { x-own: "1" }, remove: [${names.join()}] } }`,
      `  - { path: /v, name: rest, respond: { text: rest } }`,
      ...versions.map(
        (i) => `  - { path: /v, name: v${i}, match: { headers: { x-v: "${i}" } }, respond: { text: "${i}" } }`,
      ),
    ];
    await using ruled = await startRuled(`routes:\n${routes.join('\n')}`, { front });
    const seen = await ruled.seen(requestText('GET', '/many', ['X-Rule-7: 1', 'X-Rule-1000: 2', 'x-rule-999: 3']));
    expect(seen.fields.filter(([name]) => /^x-(?:rule|own)/i.test(name))).toHaveLength(2);
    expect(valueOf(seen, 'x-own')).toBe('1');
    const bodies = ['0', '999', '1000'].map((i) => ruled.ask(requestText('GET', '/v', [`x-v: ${i}`])));
    expect((await Promise.all(bodies)).map(({ body }) => body)).toEqual(['0', '999', 'rest']);
  });
});

test('the admin port shows rules, and no secret', async () => {
  await using ruled = await startRuled(`
routes:
  - { path: /a, upstream: o, match: { query: { q: "1" } }, request_headers: { set: { authorization: Basic hush, x-a: b } } }
  - { path: /b, redirect: { to: /c } }
`);
  const { body } = await get(ruled.gateway.adminPort, {
    path: '/admin/config',
    headers: { ...ruled.gateway.bearer },
  });
  expect(body).not.toContain('hush');
  expect(JSON.parse(body)).toMatchObject({
    routes: [
      {
        match: { headers: [], query: [{ name: 'q', value: '1' }] },
        rules: {
          requestHeaders: {
            set: [
              { name: 'authorization', value: '***' },
              { name: 'x-a', value: 'b' },
            ],
          },
        },
      },
      { rules: { answer: { kind: 'redirect', to: '/c', status: 307, keepPath: false } } },
    ],
  });
});
