import { SPLITS_KEY } from '../../shared/redis/keys.ts';
import type { OverrideKind } from '../limits/overrides-hash.ts';
import { OperatorWords } from './operator-words.ts';
import type { WordsPlace } from './operator-words.ts';

const SPLITS: OverrideKind<string> = {
  key: SPLITS_KEY,
  states: Array.from({ length: 101 }, (_, weight) => String(weight)),
  changed: { type: 'splits' },
};

/** A weight that an operator has set, by `splitKey`. */
export type MovedWeight = readonly [key: string, weight: number];

export interface SplitWeightsOptions extends WordsPlace {
  /** Others are set now. */
  readonly onChange: (weights: readonly MovedWeight[]) => void;
}

/** What an operator says of one side. */
export interface WeightChange {
  /** splitKey(…) */
  readonly key: string;
  /** 0 to 100; null: as configured. */
  readonly weight: number | null;
  readonly forMs: number;
  readonly by: string;
}

export interface MovedView {
  readonly weight: number;
  readonly remainingMs: number;
  readonly by: string;
}

/** Weights of splits that operators have moved, on all nodes that share the Redis, and for how long. */
export class SplitWeights {
  readonly #words: OperatorWords<string>;
  #weights: readonly MovedWeight[] = [];

  constructor(options: SplitWeightsOptions) {
    this.#words = new OperatorWords(SPLITS, options, (all) => {
      this.#weights = all.map(([key, weight]) => [key, Number(weight)]);
      options.onChange(this.#weights);
    });
  }

  /** For a new thread. */
  current(): readonly MovedWeight[] {
    return this.#weights;
  }

  /** `undefined`: nobody has moved it. */
  of(key: string): MovedView | undefined {
    const found = this.#words.of(key);
    return found && { weight: Number(found.state), remainingMs: found.remainingMs, by: found.by };
  }

  /** Holds on this node at once. @returns for whom it holds; `full`: too many are moved, and nothing was changed */
  change({ key, weight, forMs, by }: WeightChange): Promise<'cluster' | 'node' | 'full'> {
    return this.#words.change({ client: key, state: weight === null ? 'AUTO' : String(weight), forMs, by });
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
