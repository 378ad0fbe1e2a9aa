import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startUpstream } from '../../src/demo/server.ts';
import { commandIn } from '../cli/command.ts';
import { startPrometheus } from '../metrics/prometheus-server.ts';
import { startGateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { startRedis } from '../support/redis.ts';
import { quietFor, until } from '../support/wait.ts';

/* Every query of the dashboard, asked of a Prometheus that scrapes a gateway under load: each must draw something. */

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
const { panels } = JSON.parse(readFileSync('compose/grafana/dashboards/api-gateway.json', 'utf8')) as Dashboard;
const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

const folder = mkdtempSync(join(tmpdir(), 'gateway-dashboard-'));
const upstream = await startUpstream();
const redis = await startRedis(['--maxmemory', '64mb']);
const ADMIN_TOKEN = 'a-token-of-the-test-alone-0123456789';
const gateway = await startGateway({
  env: {
    ADMIN_TOKEN,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    BACKUP_DIR: folder,
    RATE_LIMIT_CAPACITY: '100',
    RATE_LIMIT_REFILL_RATE: '20',
    CONFIG_STORE: 'local',
  },
  yaml: `
upstreams: { default: { url: "http://127.0.0.1:${upstream.port}", concurrency: { max: 100 } } }
routes:
  - { name: proxy, path: /proxy, upstream: default, strip_prefix: true }
  - { name: app, path: /app, upstream: default, strip_prefix: true, authorize: { url: "http://127.0.0.1:${upstream.port}/ok" } }
`,
});
const prometheus = await startPrometheus([gateway.adminPort], { job: 'api-gateway' });

afterAll(async () => {
  await prometheus[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const load = (): Promise<unknown> =>
  Promise.all(['/proxy/ok', '/proxy/ok', '/proxy/fail', '/app/ok', '/nowhere'].map((path) => get(gateway.port, path)));

test('a backup, which the gateway verifies', async () => {
  const run = commandIn({ ADMIN_TOKEN, ADMIN_PORT: String(gateway.adminPort) });
  const { code, stdout, stderr } = await run('jobs', 'run', 'redis-backup');
  expect([code, stdout + stderr]).toEqual([0, expect.any(String)]);
});

test.each(queries)('%s: %s', async (_, query) => {
  await until(
    async () => {
      await load();
      await quietFor(250, 'Prometheus looks once a second');
      const samples = await prometheus.query(query);
      return samples.length > 0 && samples.every(({ value }) => Number.isFinite(value));
    },
    { withinMs: 10_000, describe: () => query },
  );
});
