import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { statuses } from '../support/requests.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { limitCalls } from './limits-calls.ts';

const env = (name: string) => ({
  NODE_NAME: name,
  RATE_LIMIT_CAPACITY: '0',
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  RATE_LIMIT_KEY: 'header-plain:x-client',
  ...PATIENT,
});
const as = (client: string) => ({ headers: { 'x-client': client } });

const PIPELINED = 500;

/** One request for each name, over one connection, some hundred at a time. */
async function refuseAll({ port }: Limited, names: readonly string[]): Promise<void> {
  using client = await rawClient(port);
  let answers = 0;
  client.socket.on('data', (data: Buffer) => {
    for (let at = data.indexOf('HTTP/1.1 429'); at !== -1; at = data.indexOf('HTTP/1.1 429', at + 1)) answers++;
  });
  for (let at = 0; at < names.length; at += PIPELINED) {
    const batch = names.slice(at, at + PIPELINED);
    client.send(batch.map((name) => `GET /proxy/ok HTTP/1.1\r\nHost: a\r\nX-Client: ${name}\r\n\r\n`).join(''));
    // A status line may be cut in two pieces, so a few may be missed; the last of a batch is waited for by its number.
    await eventually(() => answers >= at + batch.length - 3, `answers to ${at + batch.length}`, 20_000);
  }
}

test('20,000 clients refused once hide none of those that are refused most, on two threads', async () => {
  await using limited = await startLimited({ env: { ...env('one'), WORKERS: '2', ACCESS_LOG: 'off' } });
  const calls = limitCalls(limited);
  const heavy = Array.from({ length: 10 }, (_, i) => ({ name: `heavy-${i}`, times: 400 - 30 * i }));
  const names: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    names.push(`once-${i}`);
    for (const { name, times } of heavy) {
      if (Math.floor(((i + 1) * times) / 20_000) > Math.floor((i * times) / 20_000)) names.push(name);
    }
  }
  // Two connections: the front gives them to its threads in turn.
  const half = Math.ceil(names.length / 2);
  await Promise.all([refuseAll(limited, names.slice(0, half)), refuseAll(limited, names.slice(half))]);
  const inOrder = heavy.map(({ name }) => name);
  await eventually(async () => {
    const { clients } = await calls.top('?count=10');
    const isWhole = clients.every(({ refused }, i) => refused >= (heavy[i]?.times ?? 0)); // both threads have told it
    return isWhole && clients.map(({ client }) => client).join() === inOrder.join();
  }, 'the ten most refused, in their order');
  const { scope, nodes, windowSeconds, clients } = await calls.top('?count=256');
  expect({ scope, nodes }).toEqual({ scope: 'node', nodes: 1 });
  expect(windowSeconds).toBeGreaterThan(0);
  expect(clients).toHaveLength(256);
  for (const [i, { refused, overcount }] of clients.slice(0, 10).entries()) {
    const times = heavy[i]?.times ?? 0;
    expect(refused).toBeGreaterThanOrEqual(times);
    expect(refused - overcount).toBeLessThanOrEqual(times);
    expect(overcount).toBeLessThanOrEqual(names.length / 256);
  }
  expect((await calls.call('GET', 'heavy-0')).status).toBe(200); // known although it has no bucket
});

test('the lists of all live nodes are one; a node alone when Redis is away; a dead thread’s refusals stay', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: { ...env('one'), GATEWAY_TEST_FAULTS: 'on' } });
  await using two = await startLimited({ redis, env: env('two') });
  await statuses(one.port, 3, as('both'));
  await statuses(one.port, 2, as('first'));
  await statuses(two.port, 4, as('both'));
  await statuses(two.port, 5, as('second'));
  const expected = [
    { client: 'both', refused: 7, overcount: 0 },
    { client: 'second', refused: 5, overcount: 0 },
    { client: 'first', refused: 2, overcount: 0 },
  ];
  for (const limited of [one, two]) {
    await eventually(
      async () => {
        const { clients } = await limitCalls(limited).top();
        return JSON.stringify(clients) === JSON.stringify(expected);
      },
      'both nodes’ refusals',
      8_000,
    );
    expect(await limitCalls(limited).top('?count=1')).toMatchObject({
      scope: 'cluster',
      nodes: 2,
      clients: [expected[0]],
    });
  }
  expect(await redis.client.pttl('api-gateway:refused:two')).toBeGreaterThan(590_000);

  await statuses(one.port, 1, { headers: { 'x-gateway-test-fault': 'throw-later' } });
  await one.gateway.waitForLog((line) => line['msg'] === 'request thread failed; it is replaced');
  await eventually(
    () =>
      statuses(one.port, 1, as('last')).then(
        () => true,
        () => false,
      ),
    'a new thread serves',
    10_000,
  );
  redis.kill('SIGKILL');
  await eventually(async () => (await limitCalls(one).top()).scope === 'node', 'alone');
  const named = expected.map(({ client }) => client);
  const { clients } = await limitCalls(one).top();
  expect(clients.filter(({ client }) => named.includes(client))).toEqual([
    { client: 'both', refused: 3, overcount: 0 },
    { client: 'first', refused: 2, overcount: 0 },
  ]);
  await redis.restart();
  await eventually(async () => (await limitCalls(one).top()).clients[0]?.refused === 7, 'together again', 8_000);

  for (const count of ['0', '257', 'x', '1.5']) {
    await expect(limitCalls(one).top(`?count=${count}`)).rejects.toThrow('400');
  }
});
