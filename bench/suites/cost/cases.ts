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
  /** With nginx, fastify and express, not HAProxy alone. */
  readonly allPeers?: true;
}

export const COST_CASES: readonly CostCase[] = [
  { exchange: SMALL_GET, target: 1.1, pipeliningTarget: 0.9, allPeers: true },
  { exchange: SMALL_POST, target: 1.15, allPeers: true },
  { exchange: LARGE_GET, target: 1, allPeers: true },
  { exchange: BROWSER_GET, target: 1.15 },
  { exchange: PIPELINED_GET, target: 0.9 },
  { exchange: CLOSING_GET, target: 1.6 },
  { exchange: TLS_GET, target: 1.15, uwsTarget: 1.1 },
];
