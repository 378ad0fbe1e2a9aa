import { expect, it } from 'vitest';
import { PATIENCE_MS } from '../../src/workers/gateway/upstream/pipelined-connection.ts';
import { counts } from '../lifecycle/load.ts';
import { answerText, messageAt, requestText, statusOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

const CONNECTIONS = 6;
const REQUESTS = 10;
const NEIGHBOUR = '127.0.0.2';

/** One thread whose pool and line are soon full; each answer of `/held` waits until `release` is called. */
async function narrowPair(env: Readonly<Record<string, string>>) {
  const pair = await startPair({ front: 'native', env: { UPSTREAM_CONNECTIONS: '2', UPSTREAM_QUEUE: '8', ...env } });
  let open = false;
  const waiting: RawConnection[] = [];
  pair.answers.set('/held', (_request, connection) => {
    if (open) return answerText('held');
    waiting.push(connection);
    return '';
  });
  const release = (): void => {
    open = true;
    for (const each of waiting.splice(0)) each.send(answerText('held'));
  };
  return Object.assign(pair, { release, waiting });
}

/** So many connections, each with so many requests in one segment. */
async function pipeline(pair: Pair, count = CONNECTIONS, requests = REQUESTS): Promise<RawConnection[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await rawClient(pair.port);
      client.send(requestText('GET', '/proxy/held').repeat(requests));
      return client;
    }),
  );
}

async function statusesOf(clients: readonly RawConnection[], requests = REQUESTS): Promise<number[]> {
  const statuses: number[] = [];
  for (const client of clients) {
    for (let i = 0; i < requests; i++) statuses.push(statusOf(await messageAt(client, i)));
    client.socket.destroy();
  }
  return [...new Set(statuses)];
}

const inFlight = async (pair: Pair): Promise<number> => (await counts(pair.gateway.adminPort)).inFlight;

it.each([
  ['the line is full', CONNECTIONS, {}],
  ['the line is short', 2, { UPSTREAM_QUEUE: '2' }],
  ['nobody may wait in a line', 1, { UPSTREAM_QUEUE: '0' }],
  ['the thread has as many exchanges as it may', CONNECTIONS, { MAX_IN_FLIGHT: '12' }],
  ['its client has as many exchanges as it may', 1, { MAX_IN_FLIGHT_PER_CLIENT: '3', RATE_LIMIT_ALLOWLIST: '' }],
  ['requests share connections', CONNECTIONS, { UPSTREAM_PIPELINING: '3' }],
  ['first come is first served', CONNECTIONS, { MAX_IN_FLIGHT_PER_CLIENT: 'off' }],
])('who pipelines is answered, however many requests came at once, where %s', async (_where, count, env) => {
  let statuses: number[] = [];
  // Those that share a connection go to the line, which is full here, if they wait longer for one answer.
  for (let tookMs = Number.POSITIVE_INFINITY; tookMs > 0.9 * PATIENCE_MS;) {
    await using pair = await narrowPair(env);
    const startedMs = performance.now();
    const clients = await pipeline(pair, count);
    await eventually(() => pair.waiting.length >= 2, 'the pool is in use');
    await eventually(async () => (await inFlight(pair)) >= count, 'each connection has a request under way');
    pair.release();
    statuses = await statusesOf(clients);
    tookMs = 'UPSTREAM_PIPELINING' in env ? performance.now() - startedMs : 0;
  }
  expect(statuses).toEqual([200]);
});

it('who pipelines adds to the line only what others leave of it, and is read on as it is answered', async () => {
  await using pair = await narrowPair({ UPSTREAM_QUEUE: '40' });
  const clients = await pipeline(pair, 4, 100);
  await eventually(() => pair.waiting.length === 2, 'the pool is in use');
  await eventually(async () => (await inFlight(pair)) >= 7, 'each connection has a request under way');
  expect(await inFlight(pair)).toBeLessThanOrEqual(2 + 2 + 4 * 2);
  pair.release();
  expect(await statusesOf(clients, 100)).toEqual([200]);
});

it('another client is served in its turn beside one that pipelines on many connections', async () => {
  await using pair = await narrowPair({ RATE_LIMIT_ALLOWLIST: '', RATE_LIMIT_CAPACITY: '100000' });
  const clients = await pipeline(pair);
  await eventually(() => pair.waiting.length === 2, 'the pool is in use');
  await eventually(async () => (await inFlight(pair)) >= CONNECTIONS, 'each connection has a request under way');
  using neighbour = await rawClient(pair.port, NEIGHBOUR);
  neighbour.send(requestText('GET', '/proxy/good'));
  await eventually(async () => (await inFlight(pair)) > CONNECTIONS, 'the neighbour waits');
  for (const each of pair.waiting.splice(0, 1)) each.send(answerText('held'));
  expect(statusOf(await messageAt(neighbour, 0))).toBe(200);
  expect(pair.requestsFor('/held').length).toBeLessThanOrEqual(3);
  pair.release();
  expect(await statusesOf(clients)).toEqual([200]);
});

it('requests that wait for others of their connection are never sent when their client leaves', async () => {
  await using pair = await narrowPair({ UPSTREAM_QUEUE: '4' });
  const clients = await pipeline(pair, 1);
  await eventually(() => pair.waiting.length === 2, 'the pool is in use');
  await eventually(async () => (await inFlight(pair)) >= 3, 'some wait');
  for (const client of clients) client.socket.resetAndDestroy();
  await eventually(async () => (await inFlight(pair)) === 0, 'all of them are over');
  pair.release();
  using other = await rawClient(pair.port);
  other.send(requestText('GET', '/proxy/other'));
  expect(statusOf(await messageAt(other, 0))).toBe(200);
  expect(pair.requestsFor('/held').length).toBe(2);
});
