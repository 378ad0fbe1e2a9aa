import { trafficAnswer } from '../../shared/admin/status.ts';
import { json, problem } from '../admin/contract/answer.ts';
import type { AdminAnswer } from '../admin/contract/answer.ts';
import { operation } from '../admin/contract/operation.ts';
import type { AnyOperation } from '../admin/contract/operation.ts';
import { jwksMetrics } from '../identity/jwks/jwks-metrics.ts';
import { BlockSums } from './block-sums.ts';
import { configMetrics } from './config-metrics.ts';
import { createExposition } from './exposition.ts';
import { healthMetrics } from './health-metrics.ts';
import { httpMetrics } from './http-metrics.ts';
import { jobMetrics } from './job-metrics.ts';
import { versionMetrics } from '../config/versions/version-metrics.ts';
import { maintenanceMetrics } from '../maintenance/maintenance-metrics.ts';
import { limitMetrics } from './limit-metrics.ts';
import type { MetricParts } from './parts.ts';
import { gatewayMetrics, threadMetrics } from './process-metrics.ts';
import { connectionMetrics, redisMetrics } from './redis-metrics.ts';
import { splitMetrics } from './split-metrics.ts';
import { trafficOf } from './traffic.ts';
import { overloadMetrics } from './overload-metrics.ts';
import { breakerMetrics, upstreamMetrics } from './upstream-metrics.ts';
import { websocketMetrics } from './websocket-metrics.ts';

const STARTING = problem(503, 'starting', { detail: 'The port for clients is not open yet.' });

/** Whoever scrapes is to see the gateway up from when clients can reach it. */
export const onceServing =
  (serving: () => boolean, handle: () => Promise<AdminAnswer>) => (): AdminAnswer | Promise<AdminAnswer> =>
    serving() ? handle() : STARTING;

/** `GET /metrics` and `GET /admin/traffic`. Once per process. */
export function metricsOperations(parts: MetricParts): AnyOperation[] {
  const { memory, threads, control, redis, connections, log } = parts;
  const sums = new BlockSums(memory);
  const exposition = createExposition(
    [
      ...httpMetrics(sums, parts),
      ...upstreamMetrics(sums),
      ...overloadMetrics(sums, parts),
      ...websocketMetrics(sums),
      ...breakerMetrics(sums, control),
      ...healthMetrics(parts.health, parts.ejections),
      ...splitMetrics(parts.splits),
      ...limitMetrics(sums),
      ...maintenanceMetrics(parts.maintenance),
      ...(redis === undefined ? [] : redisMetrics(redis)),
      ...(connections === undefined ? [] : connectionMetrics(connections)),
      ...threadMetrics(sums, threads),
      ...jobMetrics(parts.jobs),
      ...parts.backups.metrics,
      ...jwksMetrics(() => parts.jwks.views()),
      ...gatewayMetrics(parts),
      ...configMetrics(() => parts.reload.active()),
      ...versionMetrics(parts.versions),
    ],
    log,
  );
  return [
    operation({
      method: 'GET',
      path: '/metrics',
      id: 'metrics',
      summary: 'All metrics of the process in the text format of Prometheus.',
      access: 'open',
      produces: exposition.contentType,
      problems: { 503: 'The gateway is starting.' },
      handle: onceServing(parts.serving, async () => {
        await redis?.refresh();
        return { status: 200, type: exposition.contentType, body: await exposition.render() };
      }),
    }),
    operation({
      method: 'GET',
      path: '/admin/traffic',
      id: 'traffic',
      summary: 'Totals since the start of this process; whoever asks twice has rates and percentiles.',
      answer: trafficAnswer,
      handle: () => json(200, trafficOf(sums, parts)),
    }),
  ];
}
