import { expect, it } from 'vitest';
import { counts } from '../lifecycle/load.ts';
import { answerText, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually, stopwatch, until } from '../support/wait.ts';

/** The greedy client; it is on no list. */
const GREEDY = '127.0.0.2';
const OTHERS = ['127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6'];
const CONNECTIONS = 8;
/** More than the kernel keeps for a client that does not read. */
const BIG = answerText('#'.repeat(8 * 1024 * 1024));

const clients: RawConnection[] = [];

async function clientAt(pair: Pair, address: string): Promise<RawConnection> {
  const client = await rawClient(pair.port, address);
  clients.push(client);
  return client;
}

/** A gateway that ends after its clients: else its drain would wait for them. */
async function pairOf(env: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const pair = await startPair({ env: { UPSTREAM_CONNECTIONS: String(CONNECTIONS), ...env } });
  const dispose = async (): Promise<void> => {
    for (const client of clients.splice(0)) client.socket.resetAndDestroy(); // half closed it would be waited for
    await pair[Symbol.asyncDispose]();
  };
  return { ...pair, [Symbol.asyncDispose]: dispose };
}

/** So many connections of one client, each of which asks for more than it reads. */
async function unread(pair: Pair, { address, count }: { readonly address: string; readonly count: number }) {
  pair.answers.set('/big', () => BIG);
  const all: RawConnection[] = [];
  for (let i = 0; i < count; i++) {
    const client = await clientAt(pair, address);
    client.socket.pause();
    client.send(requestText('GET', '/proxy/big'));
    all.push(client);
  }
  return all;
}

/** Each of the others asks once at the same time; nobody is answered before all have come to the upstream. */
async function askTogether(pair: Pair, method = 'GET'): Promise<number[]> {
  const waiting: RawConnection[] = [];
  pair.answers.set('/good', (_request, connection) => {
    waiting.push(connection);
    if (waiting.length === OTHERS.length) for (const each of waiting) each.send(answerText('good'));
    return '';
  });
  const asked = OTHERS.map(async (address) => {
    const client = await clientAt(pair, address);
    client.send(requestText(method, '/proxy/good'));
    return statusOf(await messageAt(client, 0, { timeoutMs: 15_000 }));
  });
  return await Promise.all(asked);
}

it('a client that does not read what it asked for leaves connections to others, and gives back those it holds', async () => {
  await using pair = await pairOf();
  await unread(pair, { address: GREEDY, count: 12 });
  await eventually(() => pair.requestsFor('/big').length >= CONNECTIONS - 1, 'it has all it can get');
  using watch = stopwatch();
  expect(await askTogether(pair)).toEqual([200, 200, 200, 200]);
  expect(watch.ms()).toBeLessThan(5_000);
});

it('a client that sends its uploads drop by drop leaves connections to others', async () => {
  await using pair = await pairOf();
  for (let i = 0; i < 12; i++) {
    const client = await clientAt(pair, GREEDY);
    client.send(`${requestText('POST', '/proxy/upload', ['Content-Length: 10000000'])}${'x'.repeat(80)}`);
  }
  await underWay(pair, 12);
  expect(pair.upstream.connections).toEqual([]); // none is taken before there is more to send
  using watch = stopwatch();
  expect(await askTogether(pair)).toEqual([200, 200, 200, 200]);
  expect(watch.ms()).toBeLessThan(5_000);
});

const underWay = (pair: Pair, count: number): Promise<unknown> =>
  eventually(async () => (await counts(pair.gateway.adminPort)).inFlight === count, `${count} exchanges are under way`);

it('alone it has all but the last eighth, and what waits is served in its turn', async () => {
  await using pair = await pairOf();
  const held: RawConnection[] = [];
  pair.answers.set('/held', (_request, connection) => (held.push(connection), ''));
  const client: RawConnection[] = [];
  for (let i = 0; i < 20; i++) {
    client.push(await clientAt(pair, GREEDY));
    client.at(-1)?.send(requestText('GET', '/proxy/held'));
  }
  await until(() => held.length === CONNECTIONS - 1);
  expect(await askOnce(pair, OTHERS[0] ?? '')).toBe(200); // the last eighth is somebody else's
  expect(held.length).toBe(CONNECTIONS - 1);
  let answered = 0;
  await until(() => {
    for (; answered < held.length; answered++) held[answered]?.send(answerText('late'));
    return answered === 20;
  });
  const statuses = await Promise.all(client.map(async (each) => statusOf(await messageAt(each, 0))));
  expect(new Set(statuses)).toEqual(new Set([200]));
});

async function askOnce(pair: Pair, address: string, path = '/proxy/once'): Promise<number> {
  const client = await clientAt(pair, address);
  client.send(requestText('GET', path));
  return statusOf(await messageAt(client, 0));
}

it('where too many wait, those of the client with the most make room: 429, and nothing for the breaker', async () => {
  await using pair = await pairOf({ UPSTREAM_CONNECTIONS: '1', UPSTREAM_QUEUE: '4' });
  const held: RawConnection[] = [];
  pair.answers.set('/held', (_request, connection) => (held.push(connection), ''));
  const greedy: RawConnection[] = [];
  for (let i = 0; i < 6; i++) {
    greedy.push(await clientAt(pair, GREEDY));
    greedy.at(-1)?.send(requestText('GET', '/proxy/held'));
  }
  // Alone it is told what everybody is told where the line is full.
  await eventually(() => greedy.some((each) => each.received().includes('upstream_queue_full')), 'its line is full');
  const other = await clientAt(pair, OTHERS[0] ?? '');
  other.send(requestText('GET', '/proxy/other'));
  await eventually(() => greedy.some((each) => each.received().includes('too_many_in_flight')), 'it made room');
  const refused = greedy.find((each) => each.received().includes('too_many_in_flight')) as RawConnection;
  const answer = await messageAt(refused, 0);
  expect([statusOf(answer), valueOf(answer, 'retry-after')]).toEqual([429, '1']);
  held[0]?.send(answerText('first'));
  await until(() => other.received().includes('200 OK') || held.length === 2);
  for (const each of held.slice(1)) each.send(answerText('second'));
  expect(statusOf(await messageAt(other, 0))).toBe(200);
  const metrics = await (await fetch(`${pair.gateway.adminUrl}/metrics`)).text();
  expect(metrics).toContain('http_refused_total{code="too_many_in_flight"} 1');
  expect(metrics).toMatch(/circuit_breaker_state\{[^}]*\} 1/);
});

it.each([
  ['RATE_LIMIT_ALLOWLIST', GREEDY],
  ['TRUSTED_PROXIES', GREEDY],
  ['MAX_IN_FLIGHT_PER_CLIENT', 'off'],
])('with %s=%s it has all of them', async (name, value) => {
  await using pair = await pairOf({ [name]: value });
  await unread(pair, { address: GREEDY, count: 12 });
  await eventually(() => pair.requestsFor('/big').length === CONNECTIONS, 'it has all of them');
});

it('MAX_IN_FLIGHT_PER_CLIENT=2: a third one at the same time gets 429; others and later ones do not', async () => {
  await using pair = await pairOf({ MAX_IN_FLIGHT_PER_CLIENT: '2' });
  const held: RawConnection[] = [];
  pair.answers.set('/held', (_request, connection) => (held.push(connection), ''));
  const first = [await clientAt(pair, GREEDY), await clientAt(pair, GREEDY)];
  for (const each of first) each.send(requestText('GET', '/proxy/held'));
  await until(() => held.length === 2);
  expect(await askOnce(pair, GREEDY)).toBe(429);
  expect(await askOnce(pair, OTHERS[0] ?? '')).toBe(200);
  for (const each of held) each.send(answerText());
  for (const each of first) await messageAt(each, 0);
  expect(await askOnce(pair, GREEDY)).toBe(200);
});

it('a client whose exchanges fill the thread is refused the last eighth of the places; others are served', async () => {
  await using pair = await pairOf({ MAX_IN_FLIGHT: '16' });
  pair.answers.set('/held', () => '');
  for (let i = 0; i < 14; i++) {
    const client = await clientAt(pair, GREEDY);
    client.send(requestText('GET', '/proxy/held'));
  }
  await underWay(pair, 14);
  expect(await askOnce(pair, GREEDY)).toBe(429);
  expect(await askOnce(pair, OTHERS[0] ?? '')).toBe(200);
});
