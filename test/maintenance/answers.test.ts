import { expect, it } from 'vitest';
import { statusAnswer } from '../../src/shared/admin/status.ts';
import { call, readEvents } from '../admin/setup.ts';
import { describeFronts } from '../support/fronts.ts';
import { ask, statusOf, valueOf } from '../support/http.ts';
import { get, statuses } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { maintenanceCalls, startRouted } from './setup.ts';

describeFronts('maintenance', (front) => {
  const start = () => startRouted({ front, env: { WORKERS: '2', TRUSTED_PROXIES: '127.0.0.1' } });

  it('of all routes: 503 with the text and the time that is left; probes and the admin port go on', async () => {
    await using routed = await start();
    const { gateway, port } = routed;
    const { on, off } = maintenanceCalls(gateway);
    const said = await on({ for: 600, text: 'Back at 14:00 “CET”' });
    expect(said).toMatchObject({ scope: 'node', kept: false, maintenance: [{ route: '*', remainingSeconds: 600 }] });
    for (const path of ['/orders/ok', '/items/ok']) {
      const refused = await get(port, path);
      expect([refused.status, refused.headers['content-type']]).toEqual([503, 'application/problem+json']);
      expect(JSON.parse(refused.body)).toMatchObject({ code: 'maintenance', detail: 'Back at 14:00 “CET”' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(590);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(600);
    }
    expect((await get(port, '/nowhere')).status).toBe(404);
    expect(JSON.parse((await get(port, '/health')).body)).toEqual({ status: 'ok' });
    expect((await get(port, '/ready')).status).toBe(200);
    const status = statusAnswer.parse((await call(gateway, 'GET /admin/status')).json);
    expect(status).toMatchObject({ verdict: 'ok', maintenance: [{ route: '*', text: 'Back at 14:00 “CET”' }] });
    expect(await off()).toMatchObject({ maintenance: [] });
    expect(await statuses(port, 2, '/orders/ok')).toEqual([200, 200]);
  });

  it('of one route, but for addresses that pass; a request with a body is refused as well, and its connection goes on', async () => {
    await using routed = await start();
    const { gateway, port } = routed;
    const { on, off } = maintenanceCalls(gateway);
    await on({ route: 'orders', allow: ['203.0.113.0/24', '2001:db8::/32'] });
    const from = (address: string) => ({ path: '/orders/ok', headers: { 'x-forwarded-for': address } });
    expect(await statuses(port, 1, '/items/ok')).toEqual([200]);
    expect(await statuses(port, 1, from('203.0.113.9'))).toEqual([200]);
    expect(await statuses(port, 1, from('2001:db8::9'))).toEqual([200]);
    expect(await statuses(port, 1, from('203.0.114.9'))).toEqual([503]);
    expect(JSON.parse((await get(port, '/orders/ok')).body)).toMatchObject({
      code: 'maintenance',
      detail: 'This is under maintenance; Retry-After says until when.',
    });
    const body = 'POST /orders/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
    const posted = await ask(port, body);
    expect([statusOf(posted), valueOf(posted, 'connection')]).toEqual([503, undefined]);

    // Of both the longer time is what one has to wait.
    await on({ for: 60, text: 'all' });
    expect(JSON.parse((await get(port, '/orders/ok')).body)).toMatchObject({ detail: 'all' });
    expect(Number((await get(port, '/orders/ok')).headers['retry-after'])).toBeGreaterThan(60);
    expect(Number((await get(port, '/items/ok')).headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(await statuses(port, 1, from('203.0.113.9'))).toEqual([503]);
    expect(await off('orders')).toMatchObject({ maintenance: [{ route: '*' }] });
    expect(await statuses(port, 1, '/orders/ok')).toEqual([503]);
    expect(await off()).toMatchObject({ maintenance: [] });
    expect(await statuses(port, 1, '/orders/ok')).toEqual([200]);
  });
});

it('ends by itself; log, event and metrics tell of it', async () => {
  await using routed = await startRouted({ env: { ACCESS_LOG: 'on' } });
  const { gateway, port } = routed;
  const { on, list } = maintenanceCalls(gateway);
  using events = await readEvents(gateway);
  const metric = async (name: string): Promise<string | undefined> =>
    (await call(gateway, 'GET /metrics')).text.split('\n').find((line) => line.startsWith(name));
  expect(await metric('gateway_maintenance_remaining_seconds{')).toBeUndefined();
  await on({ route: 'orders', for: 2 });
  expect(await metric('gateway_maintenance_remaining_seconds{route="orders"} ')).toMatch(/ [12]\.?\d*$/);
  expect((await events.when(({ type }) => type === 'maintenance')).message).toMatch(
    /^maintenance of route orders holds for 2 s, says .* at /,
  );
  const refused = await get(port, '/orders/ok');
  expect(refused.status).toBe(503);
  expect(await gateway.waitForLog((line) => line['outcome'] === 'maintenance')).toMatchObject({
    route: 'orders',
    status: 503,
  });
  await eventually(async () => (await get(port, '/orders/ok')).status === 200, 'it ends');
  expect((await list()).maintenance).toEqual([]);
  expect(Number((await metric('http_refused_total{code="maintenance"}'))?.split(' ')[1])).toBeGreaterThan(0);
  expect((await events.when(({ message }) => message.includes('ended'))).message).toBe(
    'maintenance of route orders has ended',
  );
});

it('what is no maintenance is refused in words, and changes nothing', async () => {
  await using routed = await startRouted();
  const { gateway } = routed;
  const problems = async (body: unknown): Promise<unknown> => {
    const { status, json } = await call(gateway, 'POST /admin/maintenance', { body });
    return [
      status,
      json['code'],
      json['routes'] ?? (json['errors'] as { path: string; expected: string }[] | undefined)?.[0],
    ];
  };
  expect(await problems({ state: 'ON', route: 'nothing' })).toEqual([404, 'unknown_route', ['orders', 'items']]);
  expect(await problems({ state: 'OFF', route: 'nothing' })).toEqual([404, 'unknown_route', ['orders', 'items']]);
  for (const [body, path, expected] of [
    [{ state: 'ON', for: 0 }, 'for', /at least 1 second/],
    [{ state: 'ON', for: 604_801 }, 'for', /at most 604800/],
    [{ state: 'ON', text: 'a\r\nset-cookie: a' }, 'text', /one line/],
    [{ state: 'ON', text: '' }, 'text', /not empty/],
    [{ state: 'ON', text: 'x'.repeat(501) }, 'text', /at most 500/],
    [{ state: 'ON', allow: ['10.0.0.0/33'] }, 'allow[0]', /CIDR/],
    [{ state: 'ON', allow: '10.0.0.0/8' }, 'allow', /list/],
    [{ state: 'OFF', for: 5 }, 'for', /no such member/],
    [{ state: 'AUTO' }, 'state', /ON or OFF/],
  ] as const) {
    const [status, , problem] = (await problems(body)) as [number, string, { path: string; expected: string }];
    expect([body, status, problem.path]).toEqual([body, 400, path]);
    expect(problem.expected).toMatch(expected);
  }
  expect((await maintenanceCalls(gateway).list()).maintenance).toEqual([]);
});
