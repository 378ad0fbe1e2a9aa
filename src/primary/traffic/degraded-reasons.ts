import type { ThreadSet } from '../threads/thread-set.ts';

type Part =
  | 'config'
  | 'breakers'
  | 'authorizers'
  | 'redis'
  | 'nodes'
  | 'limits'
  | 'front'
  | 'health'
  | 'jobs'
  | 'jobs-redis'
  | 'identity'
  | 'keys';

/** What does not work as it should, for `/health` of every thread. */
export class DegradedReasons {
  readonly #threads: Pick<ThreadSet, 'tellAll'>;
  readonly #reasons: Record<Part, readonly string[]> = {
    config: [],
    breakers: [],
    authorizers: [],
    redis: [],
    nodes: [],
    limits: [],
    front: [],
    health: [],
    keys: [],
    'jobs-redis': [],
    jobs: [],
    identity: [],
  };

  constructor(threads: Pick<ThreadSet, 'tellAll'>) {
    this.#threads = threads;
  }

  /** @param reasons empty = the part works */
  set(part: Part, reasons: readonly string[]): void {
    this.#reasons[part] = reasons;
    this.#threads.tellAll({ to: 'thread', type: 'degraded', reasons: this.all() });
  }

  of(part: Part): readonly string[] {
    return this.#reasons[part];
  }

  all(): readonly string[] {
    return Object.values(this.#reasons).flat();
  }
}
