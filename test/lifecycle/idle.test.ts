import { expect, it } from 'vitest';
import { messageAt, requestText } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually, stopwatch } from '../support/wait.ts';

/** uWebSockets.js looks at connections every 4 s, and the gateway adds a step so that none is closed too early. */
const STEP_MS = 4_000;

it('IDLE_TIMEOUT_SECONDS closes what rests, not what waits for an answer', async () => {
  await using pair = await startPair({ env: { IDLE_TIMEOUT_SECONDS: '1' } });
  const { port } = pair;
  pair.answers.set('/slow', () => '');
  using waiting = await rawClient(port);
  waiting.send(requestText('GET', '/proxy/slow'));
  await eventually(() => pair.requestsFor('/slow').length === 1, 'the request is at the upstream');
  const silentMs = performance.now();
  using silent = await rawClient(port);
  using half = await rawClient(port);
  const halfMs = performance.now();
  half.send('GET /proxy/half HTTP/1.1\r\nHost: a\r\n');
  using used = await rawClient(port);
  const usedMs = performance.now();
  used.send(requestText('GET', '/proxy/ok'));
  await messageAt(used, 0);
  using watch = stopwatch();

  // Each from before it last did something, which the gateway has seen later.
  const resting = [
    { connection: silent, sinceMs: silentMs },
    { connection: half, sinceMs: halfMs },
    { connection: used, sinceMs: usedMs },
  ];
  const closed = await Promise.all(
    resting.map(async ({ connection, sinceMs }) => {
      await connection.closed(3 * STEP_MS);
      return { afterMs: performance.now() - sinceMs, afterServedMs: watch.ms() };
    }),
  );
  for (const { afterMs, afterServedMs } of closed) {
    expect(afterMs).toBeGreaterThan(900);
    expect(afterServedMs).toBeLessThan(1_000 + 2 * STEP_MS + 500);
  }
  expect(waiting.socket.destroyed).toBe(false);
  pair.upstream.connections[0]?.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  expect((await messageAt(waiting, 0)).body).toBe('late');
});
