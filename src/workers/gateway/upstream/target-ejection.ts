import { toWrapped } from '../../../shared/breaker/process-clock.ts';
import type { EjectionConfig } from '../../../shared/config/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { EJECTION, TARGET_FIELD } from '../../../shared/health/memory.ts';
import {
  ejectionMs,
  isTargetFailure,
  mostEjected,
  reasonOfConnect,
  reasonOfError,
  timesLeft,
} from '../../../shared/targets/ejection-rule.ts';
import type { EjectionReason } from '../../../shared/targets/ejection-rule.ts';
import type { Keyed } from './balance-key.ts';
import type { FromUpstreamThread } from '../../../shared/upstreams/messages.ts';

/** A request that tries a target and has not ended after this is not waited for: another may try. */
const TRIAL_MS = 60_000;
/** Who was served well so lately speaks for a target against the failures of one other client. */
const GOOD_FOR_MS = 10_000;
/** Whom the shared memory knows to be served well so lately need not be written there again. */
const NOTE_EVERY_MS = 20;

/** A request that wants a target. */
export interface Asking {
  /** Whom it is from, as the circuit breaker names clients. */
  readonly breakerClient: string;
  /** What keeps it on one target. */
  readonly request: Keyed;
  /** It has been given to an ejected target, to find out whether that is back. */
  trial: boolean;
}

/** What those of an upstream have in common. */
export interface EjectionParts {
  readonly words: Int32Array;
  /** Of the process clock against the thread's own. */
  readonly aheadMs: number;
  readonly upstream: string;
  readonly config: EjectionConfig;
  /** All targets of the upstream. */
  readonly peers: () => readonly { readonly ejection: TargetEjection | undefined; readonly fullWeight: number }[];
  /** Whether probes have taken out the target of this row. */
  readonly isDown: (row: number, nowMs: number) => boolean;
  /** Number of a client, never 0. */
  readonly numberOf: (client: string) => number;
  /** To the front. */
  readonly post: (message: FromUpstreamThread) => void;
}

/** One of the clients last served well, as this thread has told. */
interface Told {
  client: string;
  atMs: number;
}

/**
 * Failures in a row of one target, over all threads of the node, and what follows: it gets no requests for a while, and then
 * one, which decides. What one client can bring about alone does not count while others are served well there, and an
 * ejection that one client has proved alone may be tried by any other at once.
 */
export class TargetEjection {
  readonly row: number;
  readonly #target: string;
  readonly #parts: EjectionParts;
  readonly #isShadow: boolean;
  readonly #told: Told = { client: '', atMs: Number.NEGATIVE_INFINITY };
  readonly #toldOther: Told = { client: '', atMs: Number.NEGATIVE_INFINITY };

  /** @param of the target's name, and the first index of its row */
  constructor(of: { readonly target: string; readonly row: number }, parts: EjectionParts) {
    this.row = of.row;
    this.#target = of.target;
    this.#parts = parts;
    this.#isShadow = parts.config.mode === 'shadow';
  }

  /** It gets no requests. A plain read: what another thread has written is seen soon enough. */
  get leavesOut(): boolean {
    return this.#parts.words[this.row + TARGET_FIELD.EJECTION] !== EJECTION.none && !this.#isShadow;
  }

  /** @returns whether this request is the one that finds out whether the target is back */
  takeTrial(asking: Asking, nowMs: number): boolean {
    const { words, numberOf } = this.#parts;
    const now = this.#wrapped(nowMs);
    const until = words[this.row + TARGET_FIELD.UNTIL] ?? 0;
    if (((until - now) | 0) > 0) {
      const narrow = words[this.row + TARGET_FIELD.NARROW] ?? 0;
      const waits = words[this.row + TARGET_FIELD.EJECTION] === EJECTION.out;
      if (narrow === 0 || !waits || narrow === numberOf(asking.breakerClient)) return false;
    }
    // Who moves the time has it.
    const mine = (now + TRIAL_MS) | 0;
    if (Atomics.compareExchange(words, this.row + TARGET_FIELD.UNTIL, until, mine) !== until) return false;
    if (
      Atomics.compareExchange(words, this.row + TARGET_FIELD.EJECTION, EJECTION.out, EJECTION.trying) === EJECTION.none
    )
      return false;
    asking.trial = true;
    return true;
  }

  /** The request that tried it has ended, and says nothing of it: the next one tries. */
  giveUp(nowMs: number): void {
    const { words } = this.#parts;
    if (words[this.row + TARGET_FIELD.EJECTION] !== EJECTION.trying) return;
    Atomics.store(words, this.row + TARGET_FIELD.UNTIL, this.#wrapped(nowMs));
    Atomics.store(words, this.row + TARGET_FIELD.EJECTION, EJECTION.out);
  }

  /** The header of an answer has come. */
  answered(status: number, asking: Asking, nowMs: number): void {
    if (isTargetFailure(status)) this.#failed('status', asking, nowMs);
    else this.#succeeded(asking, nowMs);
  }

  /** An answer is HTTP, but its header is one that we refuse: a client may have asked for it. */
  refused(status: number, asking: Asking, nowMs: number): void {
    if (isTargetFailure(status)) this.#failed('status', asking, nowMs);
  }

  /** A request that was on a connection will have no answer. */
  unanswered(code: ErrorCode, asking: Asking, nowMs: number): void {
    const reason = reasonOfError(code);
    if (reason !== undefined) this.#failed(reason, asking, nowMs);
  }

  /** No connection came about: no client can bring that about. */
  notConnected(code: ErrorCode, nowMs: number): void {
    const reason = reasonOfConnect(code);
    if (reason !== undefined) this.#failed(reason, undefined, nowMs);
  }

  #succeeded(asking: Asking, nowMs: number): void {
    const { words } = this.#parts;
    const { row } = this;
    if (words[row + TARGET_FIELD.EJECTION] !== EJECTION.none) {
      const isOver = ((words[row + TARGET_FIELD.UNTIL] ?? 0) - this.#wrapped(nowMs)) | 0;
      if (asking.trial || (this.#isShadow && isOver <= 0)) this.#return(nowMs);
      asking.trial = false;
      return;
    }
    if (words[row + TARGET_FIELD.FAILURES] !== 0) this.#forgetFailures();
    this.#noteGood(asking.breakerClient, nowMs);
  }

  /** @param asking undefined: no request has brought it about */
  #failed(reason: EjectionReason, asking: Asking | undefined, nowMs: number): void {
    const { words, config, numberOf } = this.#parts;
    const { row } = this;
    const state = words[row + TARGET_FIELD.EJECTION];
    const client = asking === undefined ? 0 : numberOf(asking.breakerClient);
    if (state !== EJECTION.none) {
      // What was under way before says nothing new. A connection that does not come about is the trial's.
      if (state === EJECTION.trying && (asking === undefined || asking.trial)) this.#failTrial(reason, client, nowMs);
      if (asking !== undefined) asking.trial = false;
      return;
    }
    const inARow = Atomics.add(words, row + TARGET_FIELD.FAILURES, 1) + 1;
    if (client === 0) Atomics.store(words, row + TARGET_FIELD.PROVED, 1);
    else {
      const first = Atomics.compareExchange(words, row + TARGET_FIELD.FAILED_FOR, 0, client);
      if (first !== 0 && first !== client) Atomics.store(words, row + TARGET_FIELD.PROVED, 1);
    }
    if (inARow < config.consecutive) return;
    const isProved = words[row + TARGET_FIELD.PROVED] === 1;
    if (isProved || !this.#servesOthers(client, nowMs)) this.#eject(reason, isProved ? 0 : client, nowMs);
  }

  #eject(reason: EjectionReason, narrow: number, nowMs: number): void {
    const { words, config } = this.#parts;
    const { row } = this;
    if (!this.#hasRoom(1, nowMs)) return;
    const now = this.#wrapped(nowMs);
    Atomics.store(words, row + TARGET_FIELD.UNTIL, (now + config.baseMs) | 0);
    // `trying` until all of it is written: should this thread end here, the next one goes on when that time is over.
    if (Atomics.compareExchange(words, row + TARGET_FIELD.EJECTION, EJECTION.none, EJECTION.trying) !== EJECTION.none)
      return;
    if (!this.#hasRoom(0, nowMs)) {
      Atomics.store(words, row + TARGET_FIELD.EJECTION, EJECTION.none); // another thread was quicker with another target
      return;
    }
    const sinceMs = (now - (words[row + TARGET_FIELD.RETURNED_AT] ?? 0)) | 0;
    const before = words[row + TARGET_FIELD.TIMES] ?? 0;
    // Less than 0: so long ago that the clock has come round.
    const times = (sinceMs < 0 ? 0 : timesLeft(before, sinceMs, config.baseMs)) + 1;
    this.#lock(times, narrow, now);
    this.#tell(reason, times);
  }

  #failTrial(reason: EjectionReason, client: number, nowMs: number): void {
    const { words } = this.#parts;
    const { row } = this;
    const narrow = words[row + TARGET_FIELD.NARROW] ?? 0;
    const isSecond = narrow !== 0 && client !== 0 && narrow !== client;
    const before = words[row + TARGET_FIELD.TIMES] ?? 0;
    // A second client only confirms what the first has found.
    const times = isSecond ? before : before + 1;
    this.#lock(times, isSecond ? 0 : client, this.#wrapped(nowMs));
    if (!isSecond) this.#tell(reason, times);
  }

  /** @param narrow the one client that has proved it; 0 = more than one, or nobody could bring it about */
  #lock(times: number, narrow: number, now: number): void {
    const { words, config } = this.#parts;
    const { row } = this;
    Atomics.store(words, row + TARGET_FIELD.TIMES, times);
    Atomics.store(words, row + TARGET_FIELD.NARROW, narrow);
    Atomics.store(words, row + TARGET_FIELD.UNTIL, (now + ejectionMs(config.baseMs, times)) | 0);
    Atomics.store(words, row + TARGET_FIELD.EJECTION, EJECTION.out);
  }

  #return(nowMs: number): void {
    const { words, upstream, post } = this.#parts;
    const { row } = this;
    this.#forgetFailures();
    Atomics.store(words, row + TARGET_FIELD.NARROW, 0);
    Atomics.store(words, row + TARGET_FIELD.RETURNED_AT, this.#wrapped(nowMs) || 1);
    if (Atomics.exchange(words, row + TARGET_FIELD.EJECTION, EJECTION.none) === EJECTION.none) return;
    post({ type: 'returned', upstream, target: this.#target });
  }

  #forgetFailures(): void {
    const { words } = this.#parts;
    Atomics.store(words, this.row + TARGET_FIELD.FAILED_FOR, 0);
    Atomics.store(words, this.row + TARGET_FIELD.PROVED, 0);
    Atomics.store(words, this.row + TARGET_FIELD.FAILURES, 0);
  }

  #tell(reason: EjectionReason, times: number): void {
    const { upstream, config, post } = this.#parts;
    const forMs = ejectionMs(config.baseMs, times);
    post({ type: 'ejected', upstream, target: this.#target, reason, forMs, times, shadow: this.#isShadow });
  }

  /** Whether so many more may be ejected, with one left that is used. */
  #hasRoom(more: number, nowMs: number): boolean {
    const { words, config, peers, isDown } = this.#parts;
    let all = 0;
    let ejected = more;
    let used = 0;
    for (const { ejection, fullWeight } of peers()) {
      if (fullWeight === 0) continue;
      all++;
      if (ejection === undefined) used++;
      else if (words[ejection.row + TARGET_FIELD.EJECTION] !== EJECTION.none) ejected++;
      else if (ejection !== this && !isDown(ejection.row, nowMs)) used++;
    }
    return used > 0 && ejected <= mostEjected(all, config.maxPercent);
  }

  #servesOthers(client: number, nowMs: number): boolean {
    return this.#isGoodFor(TARGET_FIELD.GOOD, client, nowMs) || this.#isGoodFor(TARGET_FIELD.OTHER_GOOD, client, nowMs);
  }

  #isGoodFor(field: number, client: number, nowMs: number): boolean {
    const { words } = this.#parts;
    const who = words[this.row + field] ?? 0;
    if (who === 0 || who === client) return false;
    const agoMs = (this.#wrapped(nowMs) - (words[this.row + field + 1] ?? 0)) | 0;
    return agoMs < GOOD_FOR_MS && agoMs > -GOOD_FOR_MS;
  }

  /**
   * Two clients are all that matters: whoever fails alone is not one of them. So no flood of one client's good answers hides
   * those of another, and however many are served, two are written in each short time.
   */
  #noteGood(client: string, nowMs: number): void {
    const told = this.#told;
    const other = this.#toldOther;
    const isFresh = nowMs - told.atMs < NOTE_EVERY_MS;
    if (isFresh && (told.client === client || nowMs - other.atMs < NOTE_EVERY_MS)) return;
    if (other.client === client && nowMs - other.atMs < NOTE_EVERY_MS) return;
    const slot = told.client === client || (other.client !== client && !isFresh) ? told : other;
    slot.client = client;
    slot.atMs = nowMs;
    this.#writeGood(this.#parts.numberOf(client), this.#wrapped(nowMs));
  }

  #writeGood(client: number, now: number): void {
    const { words } = this.#parts;
    const { row } = this;
    const at = words[row + TARGET_FIELD.GOOD_AT] ?? 0;
    const otherAt = words[row + TARGET_FIELD.OTHER_GOOD_AT] ?? 0;
    const isFirst = words[row + TARGET_FIELD.GOOD] === client;
    const isOther = words[row + TARGET_FIELD.OTHER_GOOD] === client;
    const takesFirst = isFirst || (!isOther && ((at - otherAt) | 0) <= 0);
    const field = takesFirst ? TARGET_FIELD.GOOD : TARGET_FIELD.OTHER_GOOD;
    words[row + field] = client;
    words[row + field + 1] = now;
  }

  #wrapped(nowMs: number): number {
    return toWrapped(nowMs + this.#parts.aheadMs);
  }
}
