import { expect, it } from 'vitest';
import { ask, requestText, statusOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { scrape } from '../metrics/scrape.ts';
import { eventually, until } from '../support/wait.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

/** A gateway with two connections to its upstream, whose `/events` begins and does not end. */
async function withStreams(env: Readonly<Record<string, string>>) {
  const pair = await startPair({ env: { UPSTREAM_CONNECTIONS: '2', RESPONSE_HEADERS_TIMEOUT_SECONDS: '2', ...env } });
  const streams: RawConnection[] = [];
  pair.answers.set('/events', (_request, connection) => (streams.push(connection), `${CHUNKED}2\r\nhi\r\n`));
  const clients: RawConnection[] = [];
  for (let i = 0; i < 2; i++) {
    const client = await rawClient(pair.port);
    clients.push(client);
    client.send(requestText('GET', '/proxy/events'));
  }
  await until(() => clients.every((each) => each.received().includes('hi')));
  return { pair, streams, clients };
}

const metricOf = async ({ gateway }: Pair, name: string): Promise<number> => (await scrape(gateway)).sum(name);

const served = async (pair: Pair): Promise<boolean> =>
  statusOf(await ask(pair.port, requestText('GET', '/proxy/short'))) === 200;

it('streams that last take no connection from short requests, and go on; one that ends is of the pool again', async () => {
  const { pair, streams, clients } = await withStreams({});
  await using _pair = pair;
  expect(await served(pair)).toBe(false); // both connections stream, and have for a moment only
  await eventually(() => served(pair), 'they have left the pool');
  await eventually(async () => (await metricOf(pair, 'http_streams')) === 2, 'both are counted');
  expect(await metricOf(pair, 'http_streams_refused_total')).toBe(0);
  for (const each of streams) each.send('5\r\nstill\r\n');
  await until(() => clients.every((each) => each.received().includes('still')));
  for (const each of streams) each.send('0\r\n\r\n');
  await until(() => clients.every((each) => each.received().endsWith('0\r\n\r\n')));
  for (let i = 0; i < 4; i++) expect(await served(pair)).toBe(true);
  await eventually(async () => (await metricOf(pair, 'http_streams')) === 0, 'none is left');
  for (const client of clients) client.socket.resetAndDestroy();
});

it('those above MAX_STREAMS stay in the pool', async () => {
  const { pair, clients } = await withStreams({ MAX_STREAMS: '1' });
  await using _pair = pair;
  await eventually(() => served(pair), 'one has left the pool');
  const third = await rawClient(pair.port);
  third.send(requestText('GET', '/proxy/events'));
  await third.until('hi');
  for (let i = 0; i < 6; i++) expect(await served(pair)).toBe(false); // two seconds each
  expect(await metricOf(pair, 'http_streams')).toBe(1);
  // However often they are looked at, each is counted once.
  const refused = await metricOf(pair, 'http_streams_refused_total');
  expect([1, 2]).toContain(refused);
  for (const client of [...clients, third]) client.socket.resetAndDestroy();
});
