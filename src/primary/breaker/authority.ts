import type { SyncReply, SyncRequest } from '../../shared/breaker/sync.ts';

/** Who holds the truth of all nodes. */
export interface BreakerAuthority {
  /** False while a `sync` would fail at once. */
  readonly reachable: () => boolean;
  /** Why it is not reachable. */
  readonly whyNot: () => string;
  /** Whether it can say what its own clock showed at a time of ours; until then it takes no `force`. */
  readonly datesWords: () => boolean;
  /** All ops in one step. Rejects when it cannot be known whether they were taken; never asks twice. */
  sync(request: SyncRequest): Promise<SyncReply>;
}
