import type { NameValue } from '../rules/types.ts';

/** One of the upstreams that the requests of a route are divided among. */
export interface SplitSideConfig {
  readonly upstream: string;
  /** Share of clients beside those of the others, 0 to 100. */
  readonly weight: number;
  /** Requests that come here whatever the weights; the name in lower case. `undefined` = none. */
  readonly when: NameValue | undefined;
}
