import { monotonicMs, random } from '../../src/shared/clock.ts';
import { ClusterStore } from '../../src/workers/gateway/limits/cluster-store.ts';
import type { ClusterConnection } from '../../src/workers/gateway/limits/cluster-store.ts';
import { FlightTimer } from '../../src/workers/gateway/limits/flight-timer.ts';
import { RedisStore } from '../../src/workers/gateway/limits/redis-store.ts';
import type { RedisConnection, RedisStoreOptions } from '../../src/workers/gateway/limits/redis-store.ts';
import type { GateState } from '../../src/workers/gateway/limits/store-gate.ts';
import { countedThread } from '../metrics/thread-block.ts';
import type { CountedThread } from '../metrics/thread-block.ts';

export interface OpenStore<S> {
  readonly store: S;
  readonly counted: CountedThread;
  readonly flights: FlightTimer;
  /** Every change between asked and skipped, oldest first. */
  readonly changes: GateState[];
  /** Resolves at the next change to this kind, or at once when it is the present one. */
  until(kind: GateState['kind']): Promise<void>;
}

/** Opens a Redis store and waits until it is asked. */
export async function openRedisStore(
  connection: RedisConnection,
  extra: Partial<RedisStoreOptions> = {},
): Promise<OpenStore<RedisStore>> {
  const opened = redisStore(connection, extra);
  await opened.until('up');
  return opened;
}

/** The same without waiting: the Redis may not be there. */
export const redisStore = (
  connection: RedisConnection,
  extra: Partial<RedisStoreOptions> = {},
): OpenStore<RedisStore> => watched((options) => new RedisStore(connection, { ...options, ...extra }));

/** Opens a cluster store and waits until every primary is asked. */
export async function openClusterStore(
  connection: ClusterConnection,
  extra: Partial<RedisStoreOptions> = {},
): Promise<OpenStore<ClusterStore>> {
  const opened = watched((options) => new ClusterStore(connection, { ...options, ...extra }));
  await opened.until('up');
  return opened;
}

function watched<S extends { readonly state: GateState }>(make: (options: RedisStoreOptions) => S): OpenStore<S> {
  const counted = countedThread();
  const flights = new FlightTimer({ clock: monotonicMs });
  const changes: GateState[] = [];
  let waiting: { kind: string; resolve: () => void }[] = [];
  const store = make({
    clock: monotonicMs,
    random,
    flights,
    metrics: counted.metrics,
    onChange: (state) => {
      changes.push(state);
      const due = waiting.filter((one) => one.kind === state.kind);
      waiting = waiting.filter((one) => one.kind !== state.kind);
      for (const one of due) one.resolve();
    },
  });
  return {
    store,
    counted,
    flights,
    changes,
    until: (kind) =>
      new Promise((resolve) => {
        if (store.state.kind === kind) resolve();
        else waiting.push({ kind, resolve });
      }),
  };
}
