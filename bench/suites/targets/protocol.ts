/** What a target answers when it is well takes so long. */
export const USUAL_MS = 3;
export const SLOWED = 100;

/** How a target treats the requests that come from now on. */
export type Behaviour = 'well' | '503' | 'reset' | 'slow';

export interface ToTarget {
  readonly behaviour: Behaviour;
}

/** `ready` once, then one answer for each message: how many requests were under way at that moment. */
export type FromTarget = { readonly type: 'ready' } | { readonly type: 'behaves'; readonly underWay: number };
