import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { EXIT } from '../../shared/exit-codes.ts';
import type { ExitCode } from '../../shared/exit-codes.ts';
import type { Log } from '../../shared/log.ts';
import type { Acceptor } from '../front/acceptor.ts';
import { leave } from './leave.ts';
import type { RequestThreads } from '../threads/request-threads.ts';

/** `/ready` is 503 this long while connections still come, so that a load balancer can turn away. */
const LAME_DUCK_MS = 500;
/** Between the deadline for exchanges and the end of patience with threads. */
const MARGIN_MS = 2_000;
const FORCED_WITHIN_MS = 1_000;

export interface StopParts {
  readonly acceptor: Acceptor;
  readonly threads: RequestThreads;
  readonly log: Log;
  /** The stop has begun: whoever waits for something without end is sent away. */
  onBegin(reason: string): void;
  /** Takes no longer than this. Called again when there is less time. */
  closeJobs(deadlineMs: number): Promise<void>;
  /** Limits and breakers: after the threads. */
  closeControl(): Promise<void>;
}

export interface StopOrder {
  readonly reason: string;
  /** How long exchanges in flight may take. */
  readonly deadlineMs: number;
  /** Patience with threads after that; default 2 s. */
  readonly marginMs?: number;
  /** Process's exit code when every thread ended as it should. */
  readonly exitCode: ExitCode;
}

/** Ends the process in order. Nothing here may hang: whatever does not end is left behind by the hard stop. */
export class Stop {
  readonly #parts: StopParts;
  #begun = false;
  #jobs: Promise<void> | undefined;
  #admin: { close(): Promise<void> } | undefined;

  constructor(parts: StopParts) {
    this.#parts = parts;
  }

  /** The admin port, once it is open: it is closed last, so that the end can be watched. */
  closeLast(admin: { close(): Promise<void> }): void {
    this.#admin = admin;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Not ready → stop accepting → finish what is in flight → exit. Only the first call does anything. */
  async drain(order: StopOrder): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    const { acceptor, threads, log } = this.#parts;
    log.info({ reason: order.reason, deadlineMs: order.deadlineMs }, 'gateway draining');
    this.#parts.onBegin(order.reason);
    this.#jobs = this.#parts.closeJobs(order.deadlineMs);
    threads.lameDuck();
    const lameDuckMs = threads.openConnections() > 0 ? Math.min(LAME_DUCK_MS, order.deadlineMs) : 0;
    this.#hardStop(lameDuckMs + order.deadlineMs + (order.marginMs ?? MARGIN_MS));
    await wait(lameDuckMs);
    // Right after a turn in which everything that had arrived was accepted: what waits in the backlog would be reset.
    await nextTurn();
    acceptor.close();
    threads.drain(order.deadlineMs);
    await this.#finish(order.exitCode);
  }

  /** Cuts off what is in flight and ends. */
  async force(): Promise<void> {
    const { acceptor, threads, log } = this.#parts;
    if (!this.#begun) this.#parts.onBegin('force');
    this.#begun = true;
    log.warn('gateway stops at once');
    this.#hardStop(FORCED_WITHIN_MS);
    acceptor.close();
    threads.abort();
    this.#jobs = this.#parts.closeJobs(0);
    await this.#finish(EXIT.ok);
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
