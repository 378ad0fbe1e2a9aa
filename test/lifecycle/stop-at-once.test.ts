import { describe, expect, it } from 'vitest';
import { requestText } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { exitOf } from './run.ts';
import { eventually, quietFor, stopwatch } from '../support/wait.ts';

/** What both deliveries of one Ctrl-C are taken for: see src/primary/process/stop-signals.ts. */
const DUPLICATE_WITHIN_MS = 250;

async function exchangeInFlight(pair: Pair): Promise<RawConnection> {
  pair.answers.set('/never', () => '');
  const client = await rawClient(pair.port);
  client.send(requestText('GET', '/proxy/never'));
  await eventually(() => pair.requestsFor('/never').length > 0, 'the request is at the upstream');
  return client;
}

describe('a second signal', () => {
  it.each([
    ['front', 'SIGINT'],
    ['supervised', 'SIGTERM'],
  ] as const)('%s: SIGTERM, then %s: ends at once', async (as, second) => {
    await using pair = await startPair({ as });
    using client = await exchangeInFlight(pair);
    pair.gateway.process.kill('SIGTERM');
    await pair.gateway.waitForLog((line) => line['msg'] === 'gateway draining');
    await quietFor(DUPLICATE_WITHIN_MS + 50, 'only time tells a second signal from a copy of the first');
    using watch = stopwatch();
    pair.gateway.process.kill(second);
    expect(await exitOf(pair.gateway.process)).toBe(0);
    expect(watch.ms()).toBeLessThan(5_000); // the exchange in flight would hold it for 30 s
    await client.closed();
    expect(pair.gateway.log.some((line) => line['msg'] === 'gateway stops at once')).toBe(true);
  });
});

it('a copy of the first signal is no second one: the exchange in flight still finishes', async () => {
  await using pair = await startPair();
  using client = await exchangeInFlight(pair);
  const { gateway, upstream } = pair;
  gateway.process.kill('SIGINT');
  await gateway.waitForLog((line) => line['msg'] === 'gateway draining');
  gateway.process.kill('SIGTERM');
  gateway.process.kill('SIGINT');
  await quietFor(2 * DUPLICATE_WITHIN_MS, 'nothing happens, and that is not logged');
  upstream.connections[0]?.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
  await client.until('done');
  expect(await exitOf(gateway.process)).toBe(0);
  expect(gateway.log.some((line) => line['msg'] === 'gateway stops at once')).toBe(false);
});
