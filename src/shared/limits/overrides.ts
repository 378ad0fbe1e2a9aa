/** What an operator has said of a client, for a time. */
export type OverrideState = 'BANNED' | 'EXEMPT';

/** Most clients that can have one at once: a node reads all of them in one go, while Redis does nothing else. */
export const MOST_OVERRIDES = 1_000;

/** As the threads get it; the time is that of createProcessClock(). */
export type ThreadOverride = readonly [client: string, state: OverrideState, untilMs: number];
