import type { Lane } from './rule.ts';

/**
 * What a request thread and the front say over the MessagePort of the memory store. A lane is sent once and then named
 * by its number; one message carries one flush.
 */
export type ToMemoryStore =
  | { readonly type: 'lane'; readonly number: number; readonly lane: Lane }
  | {
      readonly type: 'take';
      readonly id: number;
      readonly clients: readonly string[];
      /** For each client: number of its lane, units. */
      readonly asked: readonly number[];
    };

export interface FromMemoryStore {
  readonly id: number;
  /** For each client: granted, then tokens left per rule. */
  readonly answers: Float64Array;
}
