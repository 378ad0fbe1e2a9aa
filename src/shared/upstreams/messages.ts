/** What a request thread and the front say to each other of upstreams: names to look up. */

/** To a thread: what became of a name it asked for. */
export type ToUpstreamThread =
  | {
      readonly type: 'resolved';
      readonly name: string;
      /** At least one; those to be tried first come first. */
      readonly addresses: readonly string[];
      /** How long the thread need not ask again. */
      readonly freshMs: number;
    }
  /** @see the codes of node:dns */
  | { readonly type: 'unresolved'; readonly name: string; readonly code: string };

/** Of a thread: it opens a connection to a name whose addresses it does not know, or not of late. */
export interface FromUpstreamThread {
  readonly type: 'resolve';
  readonly name: string;
}
