import type { ThreadOverride } from './overrides.ts';
import type { RefusedList } from './refused-list.ts';

export type FromLimitThread =
  /** The clients that this thread refused most; at most once a second, and only if it has changed. */
  | { readonly type: 'refused-clients'; readonly list: RefusedList }
  /** What the front asked for under this number is done. */
  | { readonly type: 'limits-done'; readonly id: number };

export type ToLimitThread =
  /** Forget what is remembered of the client: refusals, last levels, tokens taken ahead. Answered with `limits-done`. */
  | { readonly type: 'forget-client'; readonly client: string; readonly id: number }
  /** All overrides, in place of those before. Answered with `limits-done`. */
  | { readonly type: 'limit-overrides'; readonly overrides: readonly ThreadOverride[]; readonly id: number };
