import {
  BROWSER_GET,
  CLOSING_GET,
  LARGE_GET,
  PIPELINED_GET,
  SMALL_GET,
  SMALL_POST,
  TLS_GET,
} from '../../shared/exchanges.ts';
import type { Exchange } from '../../shared/exchanges.ts';

/** What is exchanged, and the most CPU per request the gateway may need of HAProxy's. */
export interface CostCase {
  readonly exchange: Exchange;
  readonly target: number;
  /** Where it is another with uWebSockets.js. */
  readonly uwsTarget?: number;
  /** The same for the gateway that pipelines to its upstream; undefined = that one takes no part. */
  readonly pipeliningTarget?: number;
  /** Beside whom: all, those in C and Go (who take a certificate), or HAProxy and nginx. */
  readonly peers: 'all' | 'proxies' | 'fastest';
}

export const COST_CASES: readonly CostCase[] = [
  { exchange: SMALL_GET, target: 1.1, pipeliningTarget: 0.9, peers: 'all' },
  { exchange: SMALL_POST, target: 1.15, peers: 'all' },
  { exchange: LARGE_GET, target: 1, peers: 'all' },
  { exchange: BROWSER_GET, target: 1.15, peers: 'proxies' },
  { exchange: PIPELINED_GET, target: 0.9, peers: 'fastest' },
  { exchange: CLOSING_GET, target: 1.6, peers: 'proxies' },
  { exchange: TLS_GET, target: 1.15, uwsTarget: 1.1, peers: 'proxies' },
];
