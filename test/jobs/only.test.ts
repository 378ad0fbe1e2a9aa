import { expect, test } from 'vitest';
import { jobsAnswer } from '../../src/shared/admin/jobs.ts';
import { statusAnswer } from '../../src/shared/admin/status.ts';
import { call } from '../admin/setup.ts';
import { startGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { scrape } from '../metrics/scrape.ts';

test('JOBS=only: the admin port with /health and /ready, no port for clients, no request thread, and no node of the cluster', async () => {
  await using redis = await startRedis();
  const REDIS_URL = `redis://127.0.0.1:${redis.port}`;
  await using gateway = await startGateway({ env: { JOBS: 'only', REDIS_URL, UPSTREAM_URL: 'http://127.0.0.1:9' } });
  expect(gateway.port).toBe(0);
  expect((await call(gateway, 'GET /health')).json).toEqual({ status: 'ok' });
  expect((await call(gateway, 'GET /ready')).json).toEqual({ status: 'ready' });
  const status = statusAnswer.parse((await call(gateway, 'GET /admin/status')).json);
  expect(status).toMatchObject({ verdict: 'ok', threads: [], port: 0 });
  expect(jobsAnswer.parse((await call(gateway, 'GET /admin/jobs')).json)).toMatchObject({ mode: 'only' });
  expect((await scrape(gateway)).samples.size).toBeGreaterThan(0);
  expect(await redis.client.exists('api-gateway:nodes')).toBe(0);
  expect(await gateway.stop('SIGTERM')).toBe(0);
});

test('JOBS=only goes on through a reload', async () => {
  await using gateway = await startGateway({ env: { JOBS: 'only' } });
  expect((await call(gateway, 'POST /admin/reload')).status).toBe(200);
  expect((await call(gateway, 'GET /ready')).status).toBe(200);
  expect(await gateway.stop('SIGTERM')).toBe(0);
});

test('JOBS=off: no jobs', async () => {
  await using gateway = await startGateway({ env: { JOBS: 'off' } });
  expect((await call(gateway, 'GET /admin/jobs')).json).toMatchObject({ mode: 'off', jobs: [] });
});
