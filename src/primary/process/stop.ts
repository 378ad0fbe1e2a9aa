import { setTimeout as wait } from 'node:timers/promises';
import { monotonicMs } from '../../shared/clock.ts';
import { EXIT } from '../../shared/exit-codes.ts';
import type { ExitCode } from '../../shared/exit-codes.ts';
import type { Log } from '../../shared/log.ts';
import type { Acceptor } from '../front/acceptor.ts';
import { leave } from './leave.ts';
import type { RequestThreads } from '../threads/request-threads.ts';

/** Without a delay `/ready` is 503 this long while connections still come, where there are any. */
const LAME_DUCK_MS = 500;
/** Between the deadline for exchanges and the end of patience with threads. */
const MARGIN_MS = 2_000;
const FORCED_WITHIN_MS = 1_000;

/** How a stop begins. */
export interface StopBegin {
  readonly reason: string;
  /** How long new connections are still served; 0 = it was not asked for. */
  readonly delayMs: number;
}

export interface StopParts {
  readonly acceptor: Pick<Acceptor, 'stopAccepting' | 'close'>;
  readonly threads: Pick<
    RequestThreads,
    'lameDuck' | 'openConnections' | 'drain' | 'abort' | 'until' | 'all' | 'close' | 'aborted' | 'status'
  >;
  readonly log: Log;
  onBegin(begin: StopBegin): void;
  /** The port for clients is closed: whoever waits for something without end is sent away. */
  onPortClosed(begin: StopBegin): void;
  /** Takes no longer than this. Called again when there is less time. */
  closeJobs(deadlineMs: number): Promise<void>;
  /** Limits and breakers: after the threads. */
  closeControl(): Promise<void>;
}

export interface StopOrder {
  readonly reason: string;
  /** How long new connections are still served before the drain begins. */
  readonly delayMs: number;
  /** How long exchanges in flight may take after that. */
  readonly deadlineMs: number;
  /** Patience with threads after that; default 2 s. */
  readonly marginMs?: number;
  /** Process's exit code when every thread ended as it should. */
  readonly exitCode: ExitCode;
}

/** Ends the process in order. Nothing here may hang: whatever does not end is left behind by the hard stop. */
export class Stop {
  readonly #parts: StopParts;
  #stage: 'serving' | 'delayed' | 'draining' | 'forced' = 'serving';
  readonly #hastened = new AbortController();
  /** When the port is closed, on the monotonic clock. */
  #closesMs = 0;
  #jobs: Promise<void> | undefined;
  #begin: StopBegin = { reason: 'force', delayMs: 0 };
  #admin: { close(): Promise<void> } | undefined;

  constructor(parts: StopParts) {
    this.#parts = parts;
  }

  /** The admin port, once it is open: it is closed last, so that the end can be watched. */
  closeLast(admin: { close(): Promise<void> }): void {
    this.#admin = admin;
  }

  get begun(): boolean {
    return this.#stage !== 'serving';
  }

  /** How long new connections will still be served, once the stop has begun. */
  get servingForMs(): number {
    return this.#stage === 'delayed' ? Math.max(0, this.#closesMs - monotonicMs()) : 0;
  }

  /**
   * Not ready, and still serving for a while → stop accepting → finish what is in flight → exit. Only the first call does
   * anything.
   */
  async drain({ reason, delayMs, deadlineMs, marginMs = MARGIN_MS, exitCode }: StopOrder): Promise<void> {
    if (this.begun) return;
    this.#stage = 'delayed';
    const { acceptor, threads, log } = this.#parts;
    const still = delayMs > 0 ? `, still serving for ${delayMs / 1000} s` : '';
    log.info({ reason, delayMs, deadlineMs }, `gateway draining${still}`);
    const lameDuckMs = threads.openConnections() > 0 ? Math.min(LAME_DUCK_MS, deadlineMs) : 0;
    const servingMs = delayMs > 0 ? delayMs : lameDuckMs;
    this.#closesMs = monotonicMs() + servingMs;
    this.#begin = { reason, delayMs };
    this.#parts.onBegin(this.#begin);
    this.#jobs = this.#parts.closeJobs(servingMs + deadlineMs);
    threads.lameDuck();
    this.#hardStop(servingMs + deadlineMs + marginMs);
    await wait(servingMs, undefined, { signal: this.#hastened.signal }).catch(() => undefined);
    await acceptor.stopAccepting();
    if (this.#isForced) return;
    this.#stage = 'draining';
    acceptor.close();
    if (delayMs > 0) log.info('the port for clients is closed');
    this.#parts.onPortClosed(this.#begin);
    threads.drain(deadlineMs);
    await this.#finish(exitCode);
  }

  /** Where it still serves, it does so no longer: something is wrong, or nobody is left to serve for. */
  hasten(): void {
    this.#hastened.abort();
  }

  /** Cuts off what is in flight and ends. */
  async force(): Promise<void> {
    const { acceptor, threads, log } = this.#parts;
    if (!this.begun) this.#parts.onBegin(this.#begin);
    this.#stage = 'forced';
    log.warn('gateway stops at once');
    this.#hardStop(FORCED_WITHIN_MS);
    acceptor.close();
    this.#parts.onPortClosed(this.#begin);
    threads.abort();
    this.#jobs = this.#parts.closeJobs(0);
    await this.#finish(EXIT.ok);
  }

  /** Asked after every wait. */
  get #isForced(): boolean {
    return this.#stage === 'forced';
  }

  async #finish(code: ExitCode): Promise<void> {
    const { threads, log } = this.#parts;
    // No time-out of its own: the hard stop comes first.
    await threads.until(() => threads.all().length === 0, 2 ** 31 - 1);
    threads.close();
    await this.#jobs;
    await this.#parts.closeControl();
    await this.#admin?.close();
    if (threads.aborted > 0) log.warn({ aborted: threads.aborted }, 'exchanges were cut off');
    log.info({ exitCode: code }, 'gateway stopped');
    await leave(code, { threadsLeft: false, log });
  }

  #hardStop(afterMs: number): void {
    setTimeout(() => {
      const { threads, log } = this.#parts;
      log.error({ threads: threads.status() }, 'gateway did not stop in time');
      void leave(EXIT.internal, { threadsLeft: threads.all().length > 0, log });
    }, afterMs);
  }
}
