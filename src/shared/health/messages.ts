import type { HealthConfig, TargetConfig, UpstreamTlsConfig } from '../config/types.ts';
import type { FromUpstreamThread, ToUpstreamThread } from '../upstreams/messages.ts';

/** What the front and the thread that probes say to each other. */

/** One target to probe. */
export interface ProbeOrder {
  readonly upstream: string;
  readonly target: TargetConfig;
  readonly tls: UpstreamTlsConfig;
  readonly health: Pick<HealthConfig, 'path' | 'timeoutMs' | 'statuses'>;
  readonly maxHeaderBytes: number;
}

/**
 * What a probe has found, for metrics and people: a good answer, a wrong status, no address of the name, no connection,
 * no whole answer within the time, no trust in the certificate (or none of TLS at all), a connection cut in the answer,
 * something that is not HTTP, or that this machine had no descriptor or port left.
 */
export const PROBE_CAUSES = [
  'ok',
  'status',
  'unresolved',
  'connect',
  'timeout',
  'tls',
  'reset',
  'bad_answer',
  'own_shortage',
] as const;
export type ProbeCause = (typeof PROBE_CAUSES)[number];

export interface ProbeFinding {
  readonly cause: ProbeCause;
  /** In words; '' for a good answer. */
  readonly why: string;
  readonly tookMs: number;
}

export type ToHealthThread =
  /** Probe each once; at most so many at a time. */
  | {
      readonly type: 'sweep';
      readonly id: number;
      readonly orders: readonly ProbeOrder[];
      readonly concurrency: number;
    }
  | ToUpstreamThread;

export type FromHealthThread =
  /** One finding for each order, in their order. */
  { readonly type: 'swept'; readonly id: number; readonly findings: readonly ProbeFinding[] } | FromUpstreamThread;
