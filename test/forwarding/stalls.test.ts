import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { FORWARDING_ONLY, startPair } from '../support/pair.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';

it('a burst of a stream reaches a client that stalled, although the upstream is silent afterwards', async () => {
  // How much the kernel takes before it is full is not known, so sizes around it are tried, all at once.
  const sizes = Array.from({ length: 24 }, (_, i) => 3_800_000 + i * 16_000);
  await using upstream = await rawUpstream((connection, data) => {
    const size = Number(/GET \/(\d+) /.exec(data.toString('latin1'))?.[1] ?? 0);
    connection.send(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`,
    );
  });
  await using gateway = await startGateway({
    env: { ...FORWARDING_ONLY, UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`, ACCESS_LOG: 'off' },
  });
  const missing = await Promise.all(
    sizes.map(async (size) => {
      using client = await rawClient(gateway.port);
      client.socket.pause();
      client.send(requestText('GET', `/proxy/${size}`));
      await delay(500); // the stall itself
      client.socket.resume();
      const missingBytes = (): number => {
        const text = client.received();
        return size - text.slice(text.indexOf('\r\n\r\n')).replace(/[^x]/g, '').length;
      };
      // Counting is dear, so only what may be all is counted. What has not come by then does not come.
      const isWhole = (text: string): boolean => text.length > size && missingBytes() === 0;
      await client.when(isWhole).catch(() => undefined);
      return missingBytes();
    }),
  );
  expect(missing.filter((bytes) => bytes !== 0)).toEqual([]);
});

it('waiting for a connection that others use ends with 503 of our own, not with a failure of the upstream', async () => {
  await using upstream = await rawUpstream();
  const yaml = `
upstreams:
  one: { url: "http://127.0.0.1:${upstream.port}", connections: 1 }
routes:
  - { path: /held, upstream: one, limits: [] }
  - { path: /waits, upstream: one, limits: [], timeouts: { response_headers_seconds: 0.3 } }
`;
  await using gateway = await startGateway({ yaml });
  using holder = await rawClient(gateway.port);
  holder.send(requestText('GET', '/held'));
  await (await upstream.connection(0)).until('GET /held');
  const answer = await ask(gateway.port, requestText('GET', '/waits'));
  expect([statusOf(answer), valueOf(answer, 'retry-after')]).toEqual([503, '1']);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_queue_full' });
});

it('a refused request with a chunked body leaves the connection open once its body has ended', async () => {
  await using pair = await startPair({
    env: { RATE_LIMIT_ALLOWLIST: '', RATE_LIMIT_CAPACITY: '1', RATE_LIMIT_REFILL_RATE: '0.01' },
  });
  using client = await rawClient(pair.port);
  const post = `${requestText('POST', '/proxy/device', ['Transfer-Encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`;
  const seen: [number, string | undefined][] = [];
  for (let i = 0; i < 3; i++) {
    client.send(post);
    const answer = await messageAt(client, i);
    seen.push([statusOf(answer), valueOf(answer, 'connection')]);
  }
  expect(seen).toEqual([
    [200, undefined],
    [429, undefined],
    [429, undefined],
  ]);
});
