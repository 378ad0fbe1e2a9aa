import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { percentile, runGoodClients } from './good-clients.ts';

test('percentiles', () => {
  const values = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([1, 3, 5, 5]);
  expect(percentile([], 0.5)).toBeNaN();
});

test('answers and failures are counted, whatever comes between', async () => {
  let asked = 0;
  const server = createServer((_req, res) => {
    asked++;
    if (asked % 3 === 0) res.socket?.destroy();
    else res.writeHead(asked % 3 === 1 ? 200 : 503, { 'content-length': 2 }).end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = { port: (server.address() as AddressInfo).port, prefix: '' };
  const { tookMs, failures } = await runGoodClients(target, { addresses: ['127.0.0.1'], seconds: 0.5 });
  server.close();
  expect(tookMs.length + failures.length).toBe(asked);
  expect(failures.every((each) => each === 'status 503' || each.includes('closed') || each.includes('hang'))).toBe(
    true,
  );
});
