/** What the front says of an API key: whose it is; nobody's; or that it cannot be known now, and it may well be good. */
export type KeyAnswer = FoundKey | 'unknown' | 'unavailable';

export interface FoundKey {
  readonly consumer: string;
  /** '' = what the consumer has. */
  readonly profile: string;
  readonly groups: readonly string[];
  /** Wall clock, when it ends, by its expiry or because it was replaced. */
  readonly expiresMs: number;
}

export type FromKeyThread =
  /** Whose is it? Answered with `key-found`. */
  | { readonly type: 'find-key'; readonly hash: string }
  /** Does this node's copy have it? Answered with `key-looked-for`, without a word to Redis. */
  | { readonly type: 'look-for-key'; readonly hash: string };

export type ToKeyThread =
  | { readonly type: 'key-found'; readonly hash: string; readonly answer: KeyAnswer }
  | { readonly type: 'key-looked-for'; readonly hash: string; readonly isThere: boolean }
  /** Forget what is remembered of these; `undefined` = of all. What is asked right now may be old already: ask again. */
  | { readonly type: 'forget-keys'; readonly hashes: readonly string[] | undefined };
