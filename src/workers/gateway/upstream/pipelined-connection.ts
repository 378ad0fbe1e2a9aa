import { monotonicMs } from '../../../shared/clock.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { Connection } from './connection.ts';
import type { Carried, ConnectionOwner } from './connection.ts';
import { Line } from './line.ts';
import { readBuffer } from './read-buffer.ts';

/** What such connections of a target have in common. */
export interface SharedBy {
  /** Outstanding requests on one connection. */
  readonly most: number;
  /** The server is not to be trusted with several requests at once. */
  pause(): void;
  /** Whether one more request may be sent again elsewhere, and counts it. */
  mayRepeat(): boolean;
}

/** Nobody is put behind a request that has waited longer for its answer. */
const FRESH_MS = 3;
/** How long those behind wait for one answer before they are sent elsewhere. */
export const PATIENCE_MS = 1_000;
/** Most of an answer that is read for nobody. */
const MOST_DROPPED_BYTES = 64 * 1024;

/** An exchange whose request is out and whose answer comes after others. */
interface InLine {
  /** `undefined` = it has left: its answer is read and dropped. */
  carried: Carried | undefined;
  readonly method: string;
}

/**
 * A connection on which requests may stand in line. `carried` is the one at the front, whose answer is being read; with
 * `undefined` while the connection is busy that answer is dropped. Answers come in the order of the requests, and nothing
 * else says whose they are: at the first oddity nobody in line gets anything from it.
 */
export class PipelinedConnection extends Connection {
  readonly #sharing: SharedBy;
  readonly #behind = new Line<InLine>();
  /** Exchanges that still want their answer. */
  #live = 0;
  /** Requests to go out in one write. */
  #batch: string | undefined = undefined;
  /** When the one at the front came there; long ago for one that does not share. */
  #frontSinceMs = Number.NEGATIVE_INFINITY;
  #droppedBytes = 0;
  /** Those behind were sent elsewhere: it ends with the answer at the front. */
  #condemned = false;

  constructor(target: ConnectionOwner, sharing: SharedBy) {
    super(target);
    this.#sharing = sharing;
  }

  /** How many more requests it takes. @param nowMs of the precise clock */
  room(nowMs: number): number {
    const { most } = this.#sharing;
    if (this.state === 'idle') return most;
    const { closing } = this.target;
    const { deadlines } = this.target.upstream;
    const open = this.state === 'busy' && this.carried !== undefined && !this.parser.started && !this.#condemned;
    const well = !this.writeFailed && !this.hasUnsent && !closing && deadlines.nowMs < this.expiresMs;
    return open && well && nowMs - this.#frontSinceMs <= FRESH_MS ? most - 1 - this.#behind.size : 0;
  }

  /** What is written until endBatch goes out in one piece. */
  beginBatch(nowMs: number): void {
    this.#batch = '';
    if (this.state !== 'busy') this.#frontSinceMs = nowMs;
  }

  endBatch(): void {
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch !== undefined && batch !== '') super.write(batch, 'latin1');
    if (this.#behind.size > 0) this.#watch();
  }

  override carry(carried: Carried, method: string): void {
    this.#live++;
    if (this.state === 'busy') {
      this.#behind.push({ carried, method });
      return;
    }
    if (this.#batch === undefined) this.#frontSinceMs = Number.NEGATIVE_INFINITY;
    super.carry(carried, method);
  }

  override write(data: string | Uint8Array, encoding: 'latin1' | 'utf8'): void {
    if (this.#batch === undefined) super.write(data, encoding);
    else if (typeof data === 'string' && encoding === 'latin1') this.#batch += data;
    else this.#batch += Buffer.from(data as string, encoding).toString('latin1');
  }

  override leave(carried: Carried): void {
    if (this.state !== 'busy' || this.#live <= 1) {
      this.destroy();
      return;
    }
    this.#forget();
    if (this.carried === carried) {
      this.carried = undefined;
      this.#droppedBytes = 0;
      if (this.isPaused) this.resume();
      this.#watch();
      return;
    }
    this.#behind.forEach((each) => {
      if (each.carried === carried) each.carried = undefined;
    });
  }

  override onBytes(length: number): void {
    if (this.state === 'closed') return;
    if (this.state !== 'busy') this.#sharing.pause();
    let from = 0;
    do {
      this.clearRead();
      this.parser.expectsMore = this.#behind.size > 0;
      const fault = this.parser.execute(readBuffer, length, from);
      if (fault !== undefined && !this.complete) {
        this.fail(fault === 'head_too_large' ? 'upstream_header_too_large' : 'upstream_bad_response');
        return;
      }
      from = this.parser.end;
      const { complete } = this;
      if (complete && !this.parser.reusable) this.#sharing.pause();
      // A full buffer hides whether there is more behind the last answer.
      if (complete && this.#behind.size === 0 && length === readBuffer.length) this.parser.reusable = false;
      if (this.carried === undefined) this.#drop();
      else this.deliver();
      if (!complete) return;
    } while (this.#isBusy() && from < length);
  }

  override onEnd(): void {
    if (this.state !== 'busy') {
      super.onEnd();
      return;
    }
    this.#sharing.pause();
    if (this.carried === undefined) this.#scatter();
    else super.onEnd();
  }

  override onDeadline(): void {
    if (this.state === 'connecting') {
      super.onDeadline();
      return;
    }
    if (this.state !== 'busy' || (this.#behind.size === 0 && this.carried !== undefined)) return;
    if (monotonicMs() - this.#frontSinceMs < PATIENCE_MS) this.#watch();
    else if (this.carried === undefined) this.#scatter();
    else this.#rescue();
  }

  protected override answered(): void {
    this.#forget();
    this.#next();
  }

  protected override get outstanding(): number {
    return this.#live;
  }

  protected override fail(code: ErrorCode): void {
    if (this.state === 'busy') this.#sharing.pause();
    const others = this.#others();
    super.fail(code);
    this.#sendElsewhere(others);
  }

  /** Its own method, as the compiler takes a state it has seen for one that stays. */
  #isBusy(): boolean {
    return this.state === 'busy';
  }

  /** One exchange less that wants its answer. */
  #forget(): void {
    this.#live--;
    this.target.pending--;
  }

  /** The answer at the front has ended. */
  #next(): void {
    if (this.#behind.size === 0) {
      this.target.onAnswered(this);
      return;
    }
    if (!this.parser.reusable || this.#condemned || this.writeFailed) {
      this.#scatter();
      return;
    }
    const { carried, method } = this.#behind.shift() as InLine;
    this.served++;
    this.carried = carried;
    this.#droppedBytes = 0;
    this.#frontSinceMs = monotonicMs();
    this.parser.begin(method);
    carried?.onFront();
  }

  /** One read of an answer whose client has left. */
  #drop(): void {
    const { parser } = this;
    this.#droppedBytes += this.bodyEnd - this.bodyStart;
    const endless = this.headArrived && (parser.bodyKind === 'close' || parser.contentLength > MOST_DROPPED_BYTES);
    if (this.#droppedBytes > MOST_DROPPED_BYTES || (endless && !this.complete)) this.#scatter();
    else if (this.complete) this.#next();
  }

  /** Sees to it that a slow answer does not hold those behind it for long. */
  #watch(): void {
    if (this.deadlineList === undefined) this.target.upstream.deadlines.arm(this, PATIENCE_MS);
  }

  /** The answer at the front takes its time, and nobody knows how much: those behind it are sent elsewhere. */
  #rescue(): void {
    const streams = this.parser.started;
    const leaving: Carried[] = [];
    let repeats = 0;
    this.#behind.forEach((each) => {
      if (each.carried === undefined) return;
      const mayRepeat = this.#sharing.mayRepeat();
      // One more that cannot be sent again waits on, but never for an answer that may last for ever.
      if (!mayRepeat && !streams) return;
      if (mayRepeat) repeats++;
      leaving.push(each.carried);
      each.carried = undefined;
      this.#forget();
    });
    if (leaving.length > 0) this.#condemned = true;
    if (this.#live > 1) this.#watch();
    // The budget does not grow meanwhile, so those that may be repeated come first.
    leaving.forEach((carried, i) => carried.onUpstreamFailed('upstream_reset', i < repeats));
  }

  /** Ends the connection; what waits on it is sent elsewhere. Nobody is at the front. */
  #scatter(): void {
    const others = this.#others();
    this.destroy();
    this.#sendElsewhere(others);
  }

  #others(): Carried[] {
    const others: Carried[] = [];
    for (let each = this.#behind.shift(); each !== undefined; each = this.#behind.shift()) {
      if (each.carried !== undefined) others.push(each.carried);
    }
    return others;
  }

  #sendElsewhere(others: readonly Carried[]): void {
    for (const carried of others) carried.onUpstreamFailed('upstream_reset', this.#sharing.mayRepeat());
  }
}
