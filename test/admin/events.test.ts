import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { get } from '../support/requests.ts';
import type { Pair } from '../support/pair.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { call, changeLevels, readEvents, startAdmin } from './setup.ts';

const keptOf = async ({ gateway }: Pair, query = '') => {
  const { json } = await call(gateway, `GET /admin/events${query}`, { headers: { accept: 'application/json' } });
  return json as unknown as { id: number; type: string; message: string }[];
};

describe('events', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startAdmin();
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it('tell what happens: threads, the log level, reloads', async () => {
    using reader = await readEvents(pair.gateway);
    expect(reader.response.headers['content-type']).toBe('text/event-stream');
    await reader.when(({ type, message }) => type === 'thread' && message.startsWith('request thread serves'));
    await call(pair.gateway, 'PUT /admin/log-level', { body: { level: 'warn' } });
    expect(await reader.when(({ type }) => type === 'log-level')).toMatchObject({
      message: 'log level info -> warn',
      details: { level: 'warn' },
    });
    await call(pair.gateway, 'POST /admin/reload');
    expect(await reader.when(({ type }) => type === 'reload')).toMatchObject({
      details: { applied: true, version: 2 },
    });
    expect(reader.text()).toMatch(/\nid: \d+\nevent: reload\ndata: \{.*\}\n\n$/);
  });

  it('of some types only', async () => {
    using reader = await readEvents(pair.gateway, { query: '?type=reload,drain' });
    await call(pair.gateway, 'PUT /admin/log-level', { body: { level: 'info' } });
    const before = reader.events.length;
    await call(pair.gateway, 'POST /admin/reload');
    await eventually(() => reader.events.length > before, 'the reload is told');
    expect(new Set(reader.events.map(({ type }) => type))).toEqual(new Set(['reload']));
    expect(new Set((await keptOf(pair, '?type=thread')).map(({ type }) => type))).toEqual(new Set(['thread']));
    const refused = await call(pair.gateway, 'GET /admin/events?type=reload,nonsense');
    expect([refused.status, refused.json['errors']]).toEqual([
      400,
      [{ path: 'type', expected: expect.stringContaining('breaker'), got: '"nonsense"' }],
    ]);
  });

  it('the last 200 are kept, and a reader goes on where it was', async () => {
    await changeLevels(pair.gateway, 250);
    const kept = await keptOf(pair);
    expect(kept).toHaveLength(200);
    expect(kept.every(({ id }, at) => at === 0 || id === (kept[at - 1]?.id ?? 0) + 1)).toBe(true);
    const last = kept.at(-3)?.id ?? 0;
    using reader = await readEvents(pair.gateway, { headers: { 'last-event-id': String(last) } });
    await reader.when(({ id }) => id === last + 2);
    await changeLevels(pair.gateway, 1);
    await reader.when(({ id }) => id === last + 3);
    expect(reader.events.map(({ id }) => id)).toEqual([last + 1, last + 2, last + 3]);
    using stranger = await readEvents(pair.gateway, { headers: { 'last-event-id': 'x' } });
    await stranger.when(({ id }) => id === last + 3);
    expect(stranger.events).toHaveLength(200);
  });

  it('32 readers at once and no more; one that goes makes room', async () => {
    const readers = await Promise.all(Array.from({ length: 32 }, () => readEvents(pair.gateway)));
    const refused = await call(pair.gateway, 'GET /admin/events');
    expect([refused.status, refused.json['code'], refused.headers['retry-after']]).toEqual([
      503,
      'too_many_readers',
      '15',
    ]);
    readers[0]?.[Symbol.dispose]();
    await eventually(async () => {
      using reader = await readEvents(pair.gateway);
      return reader.response.statusCode === 200;
    }, 'there is room');
    for (const reader of readers) reader[Symbol.dispose]();
  });

  it('one that does not read holds up nobody', async () => {
    const silent = connect(pair.gateway.adminPort, '127.0.0.1');
    await once(silent, 'connect');
    silent.pause();
    silent.write('GET /admin/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    using reader = await readEvents(pair.gateway);
    const newest = (await keptOf(pair)).at(-1)?.id ?? 0;
    await changeLevels(pair.gateway, 20);
    await reader.when(({ id }) => id === newest + 20);
    silent.destroy();
  });
});

it('readers are sent away when a stop begins, with the drain as their last event', async () => {
  await using pair = await startAdmin();
  using reader = await readEvents(pair.gateway);
  using watch = stopwatch();
  const stopped = pair.gateway.stop();
  await reader.over;
  expect(reader.events.at(-1)).toMatchObject({ type: 'drain', details: { reason: 'SIGTERM' } });
  expect(await stopped).toBe(0);
  expect(watch.ms()).toBeLessThan(4_000);
});

it('a breaker that opens and a thread that fails are events, and in the status', async () => {
  await using pair = await startAdmin({ GATEWAY_TEST_FAULTS: 'on', CIRCUIT_BREAKER_FAILURE_THRESHOLD: '2' });
  using reader = await readEvents(pair.gateway);
  pair.answers.set('/bad', () => 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n');
  for (let i = 0; i < 4; i++) await get(pair.port, { path: '/proxy/bad' });
  expect(await reader.when(({ type }) => type === 'breaker')).toMatchObject({
    message: expect.stringMatching(/: CLOSED -> OPEN$/),
  });
  const status = await call(pair.gateway, 'GET /admin/status');
  expect(status.json).toMatchObject({
    verdict: 'degraded',
    reasons: [expect.stringMatching(/^the circuit breaker of .* is OPEN/)],
  });

  await get(pair.port, { headers: { 'x-gateway-test-fault': 'throw-later' } }).catch(() => undefined);
  const failed = await reader.when(({ message }) => message.startsWith('request thread failed'));
  await reader.when(({ id, message }) => id > failed.id && message.startsWith('request thread serves'));
  expect((await call(pair.gateway, 'GET /admin/status')).json).toMatchObject({ threadRestarts: 1 });
});
