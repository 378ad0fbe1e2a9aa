import { expect, it } from 'vitest';
import { plainClient, hashedClient } from '../../src/shared/limits/client-key.ts';
import { call, startAdmin } from './setup.ts';

it('an API key in the path of a change reaches neither the audit line nor any other line', async () => {
  await using pair = await startAdmin({ RATE_LIMIT_KEY: 'header:x-api-key', LOG_LEVEL: 'trace' });
  const { gateway } = pair;
  const key = 'sk-live-4242-secret';
  await fetch(`${gateway.url}/proxy/ok`, { headers: { 'x-api-key': key } });

  const path = `/admin/limits/${encodeURIComponent(key)}`;
  const changed = await call(gateway, `POST ${path}`, { body: { tokens: 3 } });
  const reset = await call(gateway, `DELETE ${path}`);
  await call(gateway, `DELETE /admin/limits/${encodeURIComponent(`${key}-unknown`)}`);
  expect([changed.status, reset.status]).toEqual([200, 200]);
  expect(reset.json['client']).toBe(hashedClient(key));

  await gateway.waitForLog((line) => line['audit'] === true && line['status'] === 404);
  const audit = gateway.log.filter((line) => line['audit'] === true);
  expect(audit.map((line) => [line['method'], line['path'], line['client']])).toEqual([
    ['POST', '/admin/limits/{client}', hashedClient(key)],
    ['DELETE', '/admin/limits/{client}', hashedClient(key)],
    ['DELETE', '/admin/limits/{client}', undefined],
  ]);
  const everything = JSON.stringify(gateway.log);
  expect(everything).not.toContain(key);
  expect(everything).not.toContain(plainClient(key));
});
