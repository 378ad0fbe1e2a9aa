import { expect, test } from 'vitest';
import { jobsAnswer } from '../../src/shared/admin/jobs.ts';
import { nodesAnswer, statusAnswer } from '../../src/shared/admin/status.ts';
import { call } from '../admin/setup.ts';
import { commandIn } from '../cli/command.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { scrape } from '../metrics/scrape.ts';

test('JOBS=only: the admin port with /health and /ready, no port for clients, no request thread, and not counted', async () => {
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

test('nodes with JOBS=only are listed by all, divide no limits, and are off the list when they end', async () => {
  await using redis = await startRedis();
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, UPSTREAM_URL: 'http://127.0.0.1:9' };
  await using serving = await startGateway({ env: { ...env, NODE_NAME: 'serving' } });
  await using worker = await startGateway({ env: { ...env, NODE_NAME: 'worker', JOBS: 'only' } });
  const listedBy = async (gateway: Gateway): Promise<string> => {
    const { scope, nodes } = nodesAnswer.parse((await call(gateway, 'GET /admin/nodes')).json);
    return [scope, ...nodes.map(({ name, jobsOnly, self }) => `${name} ${jobsOnly} ${self}`)].join();
  };
  await eventually(
    async () => (await listedBy(serving)) === 'cluster,serving false true,worker true false',
    'the one that serves lists both',
  );
  await eventually(
    async () => (await listedBy(worker)) === 'cluster,serving false false,worker true true',
    'the other one too',
  );
  const status = statusAnswer.parse((await call(serving, 'GET /admin/status')).json);
  expect(status).toMatchObject({ liveNodes: 1, verdict: 'ok' });
  expect(statusAnswer.parse((await call(worker, 'GET /admin/status')).json)).toMatchObject({
    verdict: 'ok',
    redis: { configured: true, state: 'up' },
  });
  const shown = await commandIn({})('nodes', '--url', serving.adminUrl);
  expect(shown.stdout).toMatch(/^worker .* jobs only +0 /m);
  expect(await worker.stop('SIGTERM')).toBe(0);
  await eventually(async () => (await listedBy(serving)) === 'cluster,serving false true', 'it is off the list');
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
