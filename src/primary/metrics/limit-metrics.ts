import { BATCH_SIZE_EDGES, DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { decisionColumn, LIMIT_MODES, LIMIT_OUTCOMES, STORE_STATE, THREAD } from '../../shared/metrics/layout.ts';
import type { BlockSums } from './block-sums.ts';
import { counter, gauge, histogram } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';

/** Rate limits and their store. */
export function limitMetrics(sums: BlockSums): MetricDefinition[] {
  const duration = (name: string, help: string, start: number): MetricDefinition =>
    // All edges, also those below 1 ms: that is where these should be.
    histogram(
      { name, help },
      () => [{ labels: {}, sums: sums.histogram(start, DURATION_EDGES_SECONDS) }],
      DURATION_EDGES_SECONDS,
    );
  const decisions = (): Sample[] =>
    sums.rows('rule').flatMap(({ name, start }) =>
      LIMIT_MODES.flatMap((mode) =>
        LIMIT_OUTCOMES.map((outcome) => ({
          labels: { rule: name, mode, outcome },
          value: sums.at(start + decisionColumn(mode, outcome)),
        })),
      ),
    );
  const storeUp = (): number | undefined => {
    const states = sums.slots().map((slot) => sums.atSlot(slot, THREAD.storeState));
    if (states.includes(STORE_STATE.skipped)) return 0;
    return states.includes(STORE_STATE.asked) ? 1 : undefined;
  };

  return [
    counter(
      'rate_limit_decisions_total',
      'Decisions of a rule by who made them (the store, a thread from its cache or lease, the process alone, or what' +
        ' is set for a failing store) and outcome; shadow: the rule only watches.',
      decisions,
    ),
    duration(
      'rate_limit_decision_wait_seconds',
      'From asking for a decision to having it, of requests that had to wait.',
      THREAD.decisionWait,
    ),
    histogram(
      { name: 'rate_limit_batch_size', help: 'Requests decided by one flush to Redis.' },
      () => [{ labels: {}, sums: sums.histogram(THREAD.batchSize, BATCH_SIZE_EDGES) }],
      BATCH_SIZE_EDGES,
    ),
    duration(
      'rate_limit_batch_wait_seconds',
      'How long the oldest request of a flush waited before it was sent.',
      THREAD.batchWait,
    ),
    duration('rate_limit_redis_round_trip_seconds', 'From sending a flush to its answer.', THREAD.redisRoundTrip),
    counter('rate_limit_redis_commands_total', 'Commands sent to Redis for limits.', () =>
      sums.at(THREAD.redisCommands),
    ),
    counter('rate_limit_redis_script_loads_total', 'Times that Redis had lost the script and was sent it.', () =>
      sums.at(THREAD.redisScriptLoads),
    ),
    counter('rate_limit_redis_timeouts_total', 'Questions to Redis without an answer in time.', () =>
      sums.at(THREAD.redisTimeouts),
    ),
    counter('rate_limit_redis_errors_total', 'Questions to Redis that failed.', () => sums.at(THREAD.redisErrors)),
    counter(
      'limits_damaged_buckets_total',
      'Buckets in Redis that were damaged (not a bucket, or a level beyond what can be) and started full.',
      () => sums.at(THREAD.damagedBuckets),
    ),
    counter(
      'limits_decided_by_address_total',
      'Decisions for clients that shared the bucket of their address, because there was no room for one of their own.',
      () => sums.at(THREAD.decidedByAddress),
    ),
    counter(
      'limits_debts_forgotten_total',
      'Debts (granted without Redis, to be charged later) that there was no room for.',
      () => sums.at(THREAD.debtsForgotten),
    ),
    gauge('limits_owing_buckets', 'Buckets to which tokens are owed that were granted without Redis.', () =>
      sums.at(THREAD.owingBuckets),
    ),
    gauge(
      'rate_limit_store_up',
      '1 every thread asks Redis for its limits, 0 some thread skips it because it fails; absent without Redis.',
      storeUp,
    ),
  ];
}
