import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { THREAD } from '../../shared/metrics/layout.ts';
import { VERSION } from '../../shared/version.ts';
import type { BlockSums } from './block-sums.ts';
import { counter, gauge, histogram } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';
import { LoopUtilization } from './loop-utilization.ts';
import type { MetricParts } from './parts.ts';

/** States a request thread can be in (thread-health.ts) before it is gone. */
const THREAD_STATES = ['starting', 'serving', 'silent', 'parked', 'leaving'] as const;

/** Request threads; the label `thread` is the number of the slot, as in the log. */
export function threadMetrics(sums: BlockSums, threads: MetricParts['threads']): MetricDefinition[] {
  const utilization = new LoopUtilization();
  const loops = (): Sample[] => {
    const all = threads.all();
    const shares = utilization.read(all);
    return [
      { labels: { thread: 'front' }, value: shares.front },
      ...all.map((thread) => ({ labels: { thread: thread.slot }, value: shares.of(thread) })),
    ];
  };
  return [
    histogram(
      {
        name: 'gateway_event_loop_lag_seconds',
        help: 'How late the timer of a request thread ran. Of the front: nodejs_eventloop_lag_seconds.',
      },
      () =>
        sums
          .slots()
          .map((slot) => ({
            labels: { thread: slot },
            sums: sums.histogramOf(slot, THREAD.loopLag, DURATION_EDGES_SECONDS),
          }))
          .filter(({ sums: { counts } }) => counts.some((count) => count > 0)),
    ),
    gauge('gateway_event_loop_utilization', 'Share of the time since the last scrape that a loop was busy.', loops),
    gauge('gateway_thread_heap_used_bytes', 'JavaScript heap that a request thread uses.', () =>
      sums
        .slots()
        .map((slot) => ({ labels: { thread: slot }, value: sums.atSlot(slot, THREAD.heapUsedBytes) }))
        .filter(({ value }) => value > 0),
    ),
    counter(
      'gateway_thread_restarts_total',
      'Request threads that failed, ended on their own or got stuck, so that another took their place.',
      () => threads.restarts,
    ),
    gauge('gateway_threads', 'Request threads by what the front thinks of them.', () => {
      const states = threads.status().map(({ state }) => state);
      return THREAD_STATES.map((state) => ({
        labels: { state },
        value: states.filter((each) => each === state).length,
      }));
    }),
    counter('http_connections_accepted_total', 'Connections that clients have opened.', () =>
      sums.at(THREAD.connectionsAccepted),
    ),
    counter('gateway_access_log_dropped_total', 'Lines of the access log left out because its reader is slow.', () =>
      sums.at(THREAD.accessLogDropped),
    ),
  ];
}

/** The process among others, and what it runs with. */
export function gatewayMetrics(parts: Pick<MetricParts, 'control' | 'reload' | 'startedAtMs'>): MetricDefinition[] {
  const { control, reload, startedAtMs } = parts;
  return [
    gauge(
      'gateway_live_nodes',
      'Nodes that share the Redis, this one included; 1 without Redis.',
      () => control.liveNodes,
    ),
    gauge(
      'gateway_config_version',
      'Configurations applied since the start; the first is 1.',
      () => reload.active().version,
    ),
    gauge('gateway_config_last_reload_success', '0 when the last reload was refused; a start counts as a reload.', () =>
      reload.last === undefined || reload.last.outcome.kind === 'applied' ? 1 : 0,
    ),
    gauge(
      'gateway_config_last_reload_timestamp_seconds',
      'When the last reload was over, refused or not; a start counts as a reload.',
      () => (reload.last?.atMs ?? startedAtMs) / 1000,
    ),
    gauge('gateway_build_info', 'Always 1; the labels say what runs.', () => [
      { labels: { version: VERSION, node_version: process.version }, value: 1 },
    ]),
  ];
}
