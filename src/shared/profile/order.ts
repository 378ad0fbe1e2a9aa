import type { MessagePort } from 'node:worker_threads';

/** What is looked at: where processor time goes, or what allocates memory that is still in use. */
export type ProfileKind = 'cpu' | 'heap';

export interface ProfileOrder {
  readonly kind: ProfileKind;
  readonly forMs: number;
}

/** To a thread that profiles itself; the answer comes through `reply`, which it was sent with. */
export interface ProfileMessage extends ProfileOrder {
  readonly type: 'profile';
  readonly reply: MessagePort;
}

export type ProfileReply =
  /** JSON of a .cpuprofile or .heapprofile. */
  { readonly kind: 'taken'; readonly text: string } | { readonly kind: 'failed'; readonly reason: string };

/** Bounds of `seconds`; a connection of the admin port on which nothing moves is closed after a minute. */
export const PROFILE_SECONDS = { least: 0.1, most: 30, usual: 10 } as const;

/** Characters of a profile: what a thread makes of itself in some tens of milliseconds. */
export const LARGEST_PROFILE = 32 * 1024 * 1024;
