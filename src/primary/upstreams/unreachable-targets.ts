import { monotonicMs } from '../../shared/clock.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { FromUpstreamThread } from '../../shared/upstreams/messages.ts';

/** Threads say it again sooner than this while it goes on: whoever has not heard of it for longer knows nothing. */
const FORGET_MS = 60_000;
/** While it goes on, the log has it again after this. */
const LOG_AGAIN_MS = 60_000;

/**
 * What does not pass by itself, or is this machine's own doing. A server that refuses or is silent for a moment is its
 * breaker's business.
 */
const NEEDS_SOMEBODY: ReadonlySet<ErrorCode> = new Set(['overloaded', 'upstream_tls_failed', 'upstream_unresolved']);

type Report = Extract<FromUpstreamThread, { readonly type: 'unreachable' | 'reachable' }>;

interface Trouble {
  readonly upstream: string;
  readonly target: string;
  code: ErrorCode;
  reason: string;
  /** Slots of threads, and when each has said it last. */
  readonly saidMs: Map<number, number>;
  loggedMs: number;
}

/** A target to which connections do not come about. */
export type UnreachableTarget = Pick<Trouble, 'upstream' | 'target' | 'code' | 'reason'>;

/** Targets that threads cannot connect to, and why. */
export class UnreachableTargets {
  readonly #log: Pick<Log, 'warn' | 'info'>;
  readonly #nowMs: () => number;
  readonly #troubles = new Map<string, Trouble>();

  constructor(log: Pick<Log, 'warn' | 'info'>, nowMs: () => number = monotonicMs) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** From the thread in this slot. */
  receive(slot: number, report: Report): void {
    const { upstream, target } = report;
    const key = `${upstream} ${target}`;
    if (report.type === 'reachable') return this.#settle(key, slot);
    const { code, reason } = report;
    const nowMs = this.#nowMs();
    let trouble = this.#troubles.get(key);
    const isNew = trouble === undefined || trouble.reason !== reason;
    trouble ??= { upstream, target, code, reason, saidMs: new Map(), loggedMs: 0 };
    this.#troubles.set(key, Object.assign(trouble, { code, reason }));
    trouble.saidMs.set(slot, nowMs);
    if (!isNew && nowMs - trouble.loggedMs < LOG_AGAIN_MS) return;
    trouble.loggedMs = nowMs;
    this.#log.warn({ upstream, target, code, reason }, 'an upstream cannot be connected to');
  }

  threadGone(slot: number): void {
    for (const key of this.#troubles.keys()) this.#settle(key, slot);
  }

  /** Those of the last minute. */
  all(): readonly UnreachableTarget[] {
    const oldestMs = this.#nowMs() - FORGET_MS;
    for (const [key, { saidMs }] of this.#troubles) {
      for (const [slot, ms] of saidMs) if (ms < oldestMs) saidMs.delete(slot);
      if (saidMs.size === 0) this.#troubles.delete(key);
    }
    return [...this.#troubles.values()].map(({ upstream, target, code, reason }) => ({
      upstream,
      target,
      code,
      reason,
    }));
  }

  /** What somebody must do something about, as a person reads it. */
  reasons(): readonly string[] {
    return this.all()
      .filter(({ code }) => NEEDS_SOMEBODY.has(code))
      .map(({ upstream, target, reason }) => `upstream ${upstream} cannot be connected to: ${target}: ${reason}`);
  }

  #settle(key: string, slot: number): void {
    const trouble = this.#troubles.get(key);
    if (trouble?.saidMs.delete(slot) !== true || trouble.saidMs.size > 0) return;
    this.#troubles.delete(key);
    const { upstream, target } = trouble;
    this.#log.info({ upstream, target }, 'connections to an upstream come about again, or it is not used any more');
  }
}
