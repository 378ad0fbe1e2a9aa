import { Chain } from './chain.ts';
import type { Linked } from './chain.ts';

/** A request for a connection, and later the call that has one, as far as it counts for its client. */
export interface Sharer extends Linked<Sharer> {
  /** Of the client, as far as it can be believed. */
  readonly address: string;
  /** Name of the client's buckets; '' where none are looked at. */
  readonly limitClient: string;
  /** It has a connection that counts. */
  holds: boolean;
  /** In whose line it waits. */
  waitsIn: Share | undefined;
  /** For whom it is counted; `undefined` while nobody counts by client. */
  heldIn: Share | undefined;
}

/** What one client has of a target's connections, and its requests that wait for one. */
export class Share implements Linked<Share> {
  readonly name: string;
  /** No measure is applied to it; it waits in turn like everybody. */
  readonly exempt: boolean;
  /** Connections. */
  held = 0;
  readonly line = new Chain<Sharer>();
  chainPrevious: Share | undefined = undefined;
  chainNext: Share | undefined = undefined;

  constructor(name: string, exempt: boolean) {
    this.name = name;
    this.exempt = exempt;
  }
}
