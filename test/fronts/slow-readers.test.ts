import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { answerText, requestText } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { counts, send } from '../lifecycle/load.ts';

const LAST = 15;

async function pipelined(options: { readonly largest: number; readonly halfClosed: boolean; readonly port: number }) {
  const { largest, halfClosed, port } = options;
  const client = await rawClient(port);
  client.socket.pause();
  let requests = requestText('GET', `/proxy/${largest}`);
  for (let i = 1; i <= LAST; i++) requests += requestText('GET', '/proxy/60000', i < LAST ? [] : ['Connection: close']);
  client.send(requests);
  if (halfClosed) client.socket.end();
  await delay(3_500); // does not read for longer than a connection lingers
  client.socket.resume();
  const text = await client.closed(15_000);
  return largest + LAST * 60_000 - text.replace(/[^#]/g, '').length;
}

it('answers that are ready behind a long one reach a client that stalls, though the connection closes after them', async () => {
  await using pair = await startPair({ front: 'native', env: { HALF_CLOSE_SECONDS: '20' } });
  const { port } = pair;
  // How much the kernel takes before it is full is not known.
  const sizes = Array.from({ length: 12 }, (_, i) => 2_800_000 + i * 80_000);
  pair.answers.set('/60000', () => answerText('#'.repeat(60_000)));
  for (const largest of sizes) pair.answers.set(`/${largest}`, () => answerText('#'.repeat(largest)));
  const missing = await Promise.all(
    sizes.flatMap((largest) => [
      pipelined({ largest, port, halfClosed: false }),
      pipelined({ largest, port, halfClosed: true }),
    ]),
  );
  expect(missing.filter((bytes) => bytes > 0)).toEqual([]);
});

it('a client that asks on and on and never reads is given up, and counted', async () => {
  await using pair = await startPair({ front: 'native', env: { IDLE_TIMEOUT_SECONDS: '1' } });
  const { gateway, port } = pair;
  using client = await rawClient(port);
  client.socket.pause();
  const some = requestText('GET', '/nowhere').repeat(1_000);
  for (let i = 0; i < 30; i++) client.send(some);
  const isOpen = async (): Promise<boolean> => (await counts(gateway.adminPort)).connections > 0;
  await eventually(isOpen, 'it is counted');
  await eventually(async () => !(await isOpen()), 'it is gone', 12_000);
  const { body } = await send(gateway.adminPort, { path: '/metrics' });
  const counted = body.match(/(?<=http_refused_total\{code=")\w+"\} [1-9]/g);
  expect(counted).toEqual(['client_stalled"} 1']);
});
