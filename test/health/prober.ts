import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import type { HealthControl, HealthControlOptions } from '../../src/primary/health/health-control.ts';
import type { JobResult } from '../../src/primary/jobs/job.ts';
import { readConfig } from '../../src/shared/config/read-config.ts';
import { until } from '../support/wait.ts';
import { yamlOf } from './setup.ts';
import type { NodeOptions } from './setup.ts';

// The thread that probes is started beside the module, and Node 20 starts none from TypeScript.
const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const { HealthControl: Control } = (await import(
  pathToFileURL(resolve(DIST, 'src/primary/health/health-control.js')).href
)) as { readonly HealthControl: new (options: HealthControlOptions) => HealthControl };

const SWEEPS_OF_NO_SLOT_BEFORE_MS = 1_700_000_000_000;

/** A node without a client port, whose sweeps the test asks for. */
export interface TestProber extends AsyncDisposable {
  readonly health: HealthControl;
  /** One slot of the cluster's job; each a later one, unless the test names it. */
  sweep(slotMs?: number, signal?: AbortSignal): Promise<JobResult>;
}

export async function startProber(
  name: string,
  options: Pick<NodeOptions, 'targets' | 'health' | 'more'> & { readonly redis: { readonly port: number } },
): Promise<TestProber> {
  const read = readConfig({ GATEWAY_CONFIG: 'g.yaml', NODE_NAME: name }, () => yamlOf(options));
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const redis = new Redis({
    port: options.redis.port,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 20_000, // what a test kills refuses at once
    retryStrategy: () => 50,
  });
  redis.on('error', () => {});
  const health = new Control({
    config: read.config,
    log: { warn: () => {}, info: () => {}, error: () => {} } as never,
    events: { add: () => {} },
    redis,
    names: { ask: (_name, waiter) => waiter({ kind: 'none', code: 'ENOTFOUND' }) },
    serves: true,
    targetSets: () => new Map(),
    drains: { of: () => undefined },
    degraded: { set: () => {} },
    breakers: () => [],
    endOpening: () => {},
  });
  await until(() => redis.status === 'ready');
  let slot = SWEEPS_OF_NO_SLOT_BEFORE_MS;
  return {
    health,
    async sweep(slotMs = (slot += 1_000), signal = new AbortController().signal) {
      slot = slotMs;
      const [job] = health.jobs();
      if (job === undefined) throw new Error('nothing is probed');
      return job.run({ slotMs, asked: 'schedule', attempt: 1, input: undefined, signal, report: () => {} });
    },
    async [Symbol.asyncDispose]() {
      health.close();
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
