import type { TargetConfig } from '../config/types.ts';
import type { ErrorCode } from '../errors.ts';
import type { HealthPlaces } from '../health/memory.ts';
import type { EjectionReason } from '../targets/ejection-rule.ts';

/** What a request thread and the front say to each other of upstreams: names to look up, targets out of reach or ejected. */

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

/** Targets of upstreams whose names are looked up again and again, by the upstream's name. */
export type TargetSets = ReadonlyMap<string, readonly TargetConfig[]>;

/** To a request thread: what is among them has changed. */
export interface NewTargets {
  readonly type: 'targets';
  readonly upstream: string;
  readonly targets: readonly TargetConfig[];
  readonly places: HealthPlaces;
}

/** To a request thread: all targets that an operator has drained, by `targetKey`, in place of those before. */
export interface NewDrains {
  readonly type: 'drains';
  readonly keys: readonly string[];
}

/** To a request thread: all weights of splits that an operator has moved, by `splitKey`, in place of those before. */
export interface NewSplits {
  readonly type: 'splits';
  readonly weights: readonly (readonly [key: string, weight: number])[];
}

/** One server of an upstream. */
interface NamedTarget {
  readonly upstream: string;
  /** Its origin with its base path. */
  readonly target: string;
}

/** Of a thread. */
export type FromUpstreamThread =
  /** It opens a connection to a name whose addresses it does not know, or not of late. */
  | { readonly type: 'resolve'; readonly name: string }
  /** A connection did not come about; said again while that goes on, a few times a minute at most. */
  | (NamedTarget & { readonly type: 'unreachable'; readonly code: ErrorCode; readonly reason: string })
  /** One has come about since, or the target is not used any more. */
  | (NamedTarget & { readonly type: 'reachable' })
  /** It gets no requests of this node for a while; in shadow mode it goes on getting them. */
  | (NamedTarget & {
      readonly type: 'ejected';
      readonly reason: EjectionReason;
      readonly forMs: number;
      /** How often in short order, this one included. */
      readonly times: number;
      readonly shadow: boolean;
    })
  /** A request has found it well again. */
  | (NamedTarget & { readonly type: 'returned' });
