import { expect, test } from 'vitest';
import { NO_OVERLOAD } from '../../../shared/admin/overload.ts';
import type { Config } from '../../../shared/config/types.ts';
import { LoopUtilization } from '../../metrics/loop-utilization.ts';
import { LimitsStoreState } from '../../limits/limits-store-state.ts';
import type { UnreachableTarget } from '../../upstreams/unreachable-targets.ts';
import { nodeStatus } from './node-status.ts';

const config = { server: { maxConnections: 100 } } as Config;

const unreachable: UnreachableTarget[] = [];
const problems: string[] = [];

function statusOf(limitsStore: LimitsStoreState, redisConfigured: boolean, problem = '') {
  const { verdict, reasons, redis } = nodeStatus({
    node: 'a',
    startedAtMs: 0,
    workers: 0,
    serves: true,
    redisConfigured,
    redisMode: redisConfigured ? 'standalone' : undefined,
    identityProblems: () => problems,
    certificates: () => [],
    uptimeMs: () => 0,
    port: () => 8080,
    jobProblems: () => [],
    draining: () => false,
    servingForMs: () => 0,
    token: () => ({ kind: 'given', token: 'secret' }),
    loops: new LoopUtilization(),
    threads: { restarts: 0, all: () => [], status: () => [] },
    front: { kind: 'native', problem },
    reload: { active: () => ({ version: 1, config }), last: undefined, warnings: [] },
    backupWarnings: () => [],
    control: { liveNodes: 1, redisProblems: [], nodeProblems: [], limitProblems: [], warnings: [] },
    limitsStore,
    maintenance: () => [],
    breakers: () => [],
    overload: () => NO_OVERLOAD,
    unreachable: { all: () => unreachable, reasons: () => unreachable.map(({ reason }) => reason) },
    health: { reasons: [] },
  });
  return { verdict, reasons, redis };
}

test('Redis is not up before it was ever reached', () => {
  const store = new LimitsStoreState(() => {});
  const reason = 'rate limits: connecting to Redis';
  expect(statusOf(store, true)).toEqual({
    verdict: 'degraded',
    reasons: [reason],
    redis: { configured: true, mode: 'standalone', state: 'down', reason },
  });
  store.receive(0, { up: true, reason: '' });
  expect(statusOf(store, true)).toMatchObject({ verdict: 'ok', reasons: [], redis: { state: 'up', reason: '' } });
  store.receive(0, { up: false, reason: 'gone' });
  expect(statusOf(store, true)).toMatchObject({ verdict: 'degraded', redis: { state: 'down' } });
});

test('without Redis nothing is missing', () => {
  expect(statusOf(new LimitsStoreState(() => {}), false)).toMatchObject({
    verdict: 'ok',
    redis: { configured: false, state: 'none' },
  });
});

test('an upstream that cannot be connected to is a reason', () => {
  const reason = 'certificate has expired (CERT_HAS_EXPIRED)';
  unreachable.push({ upstream: 'api', target: 'https://10.0.0.1', code: 'upstream_tls_failed', reason });
  const status = statusOf(new LimitsStoreState(() => {}), false);
  unreachable.pop();
  expect(status).toMatchObject({ verdict: 'degraded', reasons: [reason] });
});

test('keys that cannot be had are a reason, as in /health', () => {
  const reason = 'issuer main: its keys cannot be had (connect ECONNREFUSED), its tokens get 503';
  problems.push(reason);
  const status = statusOf(new LimitsStoreState(() => {}), false);
  problems.pop();
  expect(status).toMatchObject({ verdict: 'degraded', reasons: [reason] });
});

test('clients that are not accepted are a reason', () => {
  const problem = 'client connections are not accepted: out of file descriptors (ulimit -n 256)';
  expect(statusOf(new LimitsStoreState(() => {}), false, problem)).toMatchObject({
    verdict: 'degraded',
    reasons: [problem],
  });
});
