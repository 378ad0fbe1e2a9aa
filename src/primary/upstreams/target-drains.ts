import { TARGET_DRAINS_KEY } from '../../shared/redis/keys.ts';
import type { OverrideKind } from '../limits/overrides-hash.ts';
import { OperatorWords } from './operator-words.ts';
import type { WordsPlace } from './operator-words.ts';

const DRAINS: OverrideKind<'DRAINED'> = {
  key: TARGET_DRAINS_KEY,
  states: ['DRAINED'],
  changed: { type: 'target-drains' },
};

export interface TargetDrainsOptions extends WordsPlace {
  /** Other targets are drained now, by `targetKey`. */
  readonly onChange: (keys: readonly string[]) => void;
}

/** What an operator says of a target. */
export interface DrainChange {
  /** targetKey(…) */
  readonly key: string;
  readonly state: 'DRAINED' | 'AUTO';
  /** Meaningless for AUTO. */
  readonly forMs: number;
  readonly by: string;
}

/** A target that gets no new requests because an operator has said so. */
export interface DrainView {
  readonly remainingMs: number;
  readonly by: string;
}

/** Targets that operators have drained, on all nodes that share the Redis, and for how long. */
export class TargetDrains {
  readonly #words: OperatorWords<'DRAINED'>;
  #keys: readonly string[] = [];

  constructor(options: TargetDrainsOptions) {
    this.#words = new OperatorWords(DRAINS, options, (all) => {
      this.#keys = all.map(([key]) => key);
      options.onChange(this.#keys);
    });
  }

  /** By `targetKey`, for a new thread. */
  current(): readonly string[] {
    return this.#keys;
  }

  /** `undefined`: nobody has drained it. */
  of(key: string): DrainView | undefined {
    const found = this.#words.of(key);
    return found && { remainingMs: found.remainingMs, by: found.by };
  }

  /** Holds on this node at once. @returns for whom it holds; `full`: too many are drained, and nothing was changed */
  change({ key, ...change }: DrainChange): Promise<'cluster' | 'node' | 'full'> {
    return this.#words.change({ client: key, ...change });
  }

  /** Another node, or this one, has said so on the channel of events. */
  onEvent(): void {
    this.#words.onEvent();
  }

  /** Idempotent. */
  close(): void {
    this.#words.close();
  }
}
