import { expect, test } from 'vitest';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { startLimited } from './setup.ts';

const isSaid = (line: Record<string, unknown>): boolean => String(line['msg']).includes('TRUSTED_PROXIES=127.0.0.1');

/** Requests as a proxy on this machine hands them on. */
async function handOn(port: number, requests: number): Promise<void> {
  const one = async (from: number): Promise<void> => {
    for (let i = from; i < requests; i += 10) {
      await get(port, { path: '/proxy/ok', headers: { 'x-forwarded-for': `198.51.100.${i % 60}` } });
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, from) => one(from)));
}

test('a proxy that TRUSTED_PROXIES forgot is named once in the log, with what to set, and in status until it is trusted', async () => {
  await using limited = await startLimited({ env: { WORKERS: '1', RATE_LIMIT_CAPACITY: '100000' } });
  const { gateway, port } = limited;
  await handOn(port, 1_200);
  await eventually(() => gateway.log.some(isSaid), 'it is said');
  const answer = await fetch(`${gateway.adminUrl}/admin/status`);
  const { warnings, verdict } = (await answer.json()) as { warnings: string[]; verdict: string };
  expect([warnings, verdict]).toEqual([
    expect.arrayContaining([expect.stringContaining('TRUSTED_PROXIES=127.0.0.1')]),
    'ok',
  ]);
  expect(gateway.log.filter(isSaid)).toHaveLength(1);
});

test('a proxy that is trusted is no matter', async () => {
  const env = { WORKERS: '1', RATE_LIMIT_CAPACITY: '100000', TRUSTED_PROXIES: '127.0.0.1' };
  await using limited = await startLimited({ env });
  await handOn(limited.port, 700);
  await get(limited.port, { path: '/health' });
  expect(limited.gateway.log.filter(isSaid)).toEqual([]);
});
