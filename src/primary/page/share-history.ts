import type { Cluster, Redis } from 'ioredis';
import type { MetricMemory } from '../metrics/metric-memory.ts';
import { HistorySender } from './history-sender.ts';
import type { History } from './history.ts';
import { Standing, toldStanding } from './standing.ts';
import type { Watched } from './watch.ts';

/** Seconds between two messages to Redis of a node that has something to do. */
const SEND_EVERY = 2;
/** Of them every so many-th says how upstreams and WebSockets are. */
const NOW_EVERY = 3;

export interface SharedHistoryParts {
  /** `undefined`: this node stands alone, and shares nothing. */
  readonly redis: Redis | Cluster | undefined;
  readonly node: string;
  readonly memory: MetricMemory;
  readonly history: () => History;
}

/** What makes the history of this node one that others can read. */
export function shareHistory({
  redis,
  node,
  memory,
  history,
}: SharedHistoryParts): Pick<Watched, 'onStep' | 'onSecond'> {
  if (redis === undefined) return {};
  const standing = new Standing(memory);
  let seconds = 0;
  const sender = new HistorySender({
    redis,
    node,
    history,
    now() {
      if (seconds % (SEND_EVERY * NOW_EVERY) !== 0) return undefined;
      const told = toldStanding(standing.now());
      return told === undefined ? undefined : JSON.stringify(told);
    },
  });
  return {
    onStep: (size, step) => sender.add(size, step),
    onSecond() {
      seconds++;
      if (seconds % SEND_EVERY === 0) void sender.send();
    },
  };
}
