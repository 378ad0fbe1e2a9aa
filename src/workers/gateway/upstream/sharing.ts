import { monotonicMs } from '../../../shared/clock.ts';
import type { Connection, Queued } from './connection.ts';
import { Line } from './line.ts';
import { PipelinedConnection } from './pipelined-connection.ts';

/** How long a server that has shown an oddity gets one request at a time. */
const PAUSE_MS = 60_000;
/** Of so many requests one may be sent again because of those it shared a connection with. */
const REQUESTS_PER_REPEAT = 10;
/** Most repeats that a long good time earns. */
const MOST_REPEATS = 100;

/** Those who wait for a connection; the first of them gets the next one. */
interface WaitingLine {
  readonly first: Queued | undefined;
  shift(): Queued | undefined;
}

/** What sharing needs of its target. */
export interface SharingTarget {
  readonly upstream: { readonly deadlines: { readonly nowMs: number } };
  takeIdle(): Connection | undefined;
  enqueue(waiting: Queued): void;
}

/**
 * Pipelining to one target (RFC 9112, section 9.3.2): the requests of a loop turn go out together, up to `most` on one
 * connection, in one write. Which answer is whose is known by order alone, so whatever is odd ends it for a minute.
 */
export class Sharing {
  /** Outstanding requests on one connection. */
  readonly most: number;
  readonly #target: SharingTarget;
  /** Came in this loop turn. */
  readonly #waiting = new Line<Queued>();
  #filled: PipelinedConnection | undefined = undefined;
  #offUntilMs = 0;
  #repeats: number;

  constructor(target: SharingTarget, most: number) {
    this.#target = target;
    this.most = most;
    this.#repeats = most; // or the first oddity, which may come with the first requests, would fail all but one of them
  }

  get active(): boolean {
    return this.#target.upstream.deadlines.nowMs >= this.#offUntilMs;
  }

  /** The server is not to be trusted with several requests at once. */
  pause(): void {
    this.#offUntilMs = this.#target.upstream.deadlines.nowMs + PAUSE_MS;
  }

  /** Whether one more request may be sent again elsewhere, and counts it. */
  mayRepeat(): boolean {
    if (this.#repeats < 1) return false;
    this.#repeats--;
    return true;
  }

  /** Its request goes out behind this poll, together with those that come until then. */
  add(waiting: Queued): void {
    this.#waiting.push(waiting);
    if (this.#waiting.size === 1) setImmediate(() => this.#sendAll());
  }

  /** @returns whether it waited here */
  remove(waiting: Queued): boolean {
    return this.#waiting.remove(waiting);
  }

  #sendAll(): void {
    // One look at the clock for all: a connection that has room by it takes at least one more, so this comes to an end.
    const nowMs = monotonicMs();
    while (this.#waiting.first?.mayShare === true && this.active) {
      const last = this.#filled;
      // An idle one is the pool's, and has to be taken from there.
      const joined = last?.state === 'busy' && last.room(nowMs) > 0;
      const connection = joined ? last : this.#target.takeIdle();
      if (connection === undefined) break;
      this.fill(connection, this.#waiting, nowMs);
    }
    for (let waiting = this.#waiting.shift(); waiting !== undefined; waiting = this.#waiting.shift()) {
      this.#target.enqueue(waiting);
    }
  }

  /** Gives it as many from the front of the line as it has room for; none of them has another's body before it. */
  fill(connection: Connection, line: WaitingLine, nowMs = monotonicMs()): void {
    if (!(connection instanceof PipelinedConnection)) return;
    this.#filled = connection;
    connection.beginBatch(nowMs);
    for (let room = connection.room(nowMs); room > 0 && line.first?.mayShare === true; room--) {
      line.shift()?.onConnection(connection);
      this.#repeats = Math.min(MOST_REPEATS, this.#repeats + 1 / REQUESTS_PER_REPEAT);
    }
    connection.endBatch();
  }
}
