import { expect, it } from 'vitest';
import { answerText, requestText } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

it('a client that takes nothing of what waits for it is cut within a minute; a slow one and a quiet stream are not', async () => {
  await using pair = await startPair({ front: 'native', env: { BODY_IDLE_TIMEOUT_SECONDS: '600' } });
  pair.answers.set('/big', () => answerText('#'.repeat(16 * 1024 * 1024)));
  pair.answers.set('/quiet', () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nquiet');
  const still = await rawClient(pair.port);
  const slow = await rawClient(pair.port);
  const quiet = await rawClient(pair.port);
  for (const each of [still, slow]) each.socket.pause();
  still.send(requestText('GET', '/proxy/big'));
  slow.send(requestText('GET', '/proxy/big'));
  quiet.send(requestText('GET', '/proxy/quiet'));
  // Reads a little, and waits: less by far than the kernel would speak of.
  const reading = setInterval(() => {
    slow.socket.resume();
    slow.socket.once('data', () => slow.socket.pause());
  }, 2_000);
  try {
    const cut = async (): Promise<boolean> =>
      (await (await fetch(`${pair.gateway.adminUrl}/metrics`)).text()).includes('{code="client_stalled"} 1');
    await eventually(cut, 'who reads nothing is cut', 60_000);
    expect([slow.socket.closed, quiet.socket.closed]).toEqual([false, false]);
    expect(slow.received().length).toBeLessThan(16 * 1024 * 1024);
  } finally {
    clearInterval(reading);
    for (const client of [still, slow, quiet]) client.socket.resetAndDestroy();
  }
});
