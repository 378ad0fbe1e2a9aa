import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { freePort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { FORWARDING_ONLY, startPair } from '../support/pair.ts';
import { scrape } from '../metrics/scrape.ts';

test('an upstream that is the gateway itself: one request ends after a few rounds, and takes no connection from others', async () => {
  const port = await freePort();
  const env = {
    PORT: String(port),
    UPSTREAM_URL: `http://127.0.0.1:${port}/proxy`,
    ACCESS_LOG: 'off',
    ...FORWARDING_ONLY,
  };
  await using gateway = await startGateway({ env });
  const { status, body } = await get(gateway.port, { path: '/proxy/ok' });
  expect([status, JSON.parse(body)]).toEqual([508, expect.objectContaining({ code: 'loop_detected' })]);
  expect((await scrape(gateway)).sum('upstream_requests_total')).toBeLessThan(20);
});

test('gateways behind each other, and what others say in Via, are no loop', async () => {
  await using pair = await startPair();
  const via = [...Array.from({ length: 3 }, () => '1.1 api-gateway'), ...Array.from({ length: 20 }, () => '1.1 proxy')];
  expect((await get(pair.port, { path: '/proxy/ok', headers: { via: via.join(', ') } })).status).toBe(200);
});
