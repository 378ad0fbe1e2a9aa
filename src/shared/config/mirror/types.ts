/** Where copies of a route's requests go. */
export interface MirrorConfig {
  readonly upstream: string;
  /** Of the requests, above 0, at most 100. */
  readonly percent: number;
}
