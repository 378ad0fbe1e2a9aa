import { connect as connectTcp, isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { TargetConfig } from '../../../shared/config/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { failureText } from '../../../shared/net/failure-text.ts';
import type { NetError } from '../../../shared/net/failure-text.ts';
import type { Handles, StreamHandle } from '../../../shared/net/handles.ts';
import type { DeadlineList, Deadlines, Waiting } from '../deadlines.ts';
import { connectFailure, isLateRefusal } from './connect-failure.ts';
import type { KnownHead } from './known-head.ts';
import { takeHandle } from './handle-wire.ts';
import { openWire } from './open-wire.ts';
import { readBuffer } from './read-buffer.ts';
import { ResponseParser } from './response-parser.ts';
import type { ResponseHandler } from './response-parser.ts';
import type { Sharer } from './share.ts';
import type { Wire, WireOwner } from './wire.ts';

/** What a connection carries: an exchange. */
export interface Carried extends Sharer {
  /** A connection is ready: write the request on it now. */
  onConnection(connection: Connection): void;
  /** One read was parsed; the connection's `head…`, `body…` and `complete` fields say what it brought. */
  onUpstreamRead(connection: Connection): void;
  /** A 102 or 103 came. @param fields lines without the last CRLF, each byte one char, or '' */
  onInformational(statusLine: string, fields: string): void;
  /** Where requests share a connection: the answers before its own have ended, and the connection is its. */
  onFront(): void;
  /** The socket takes more of the request body. */
  onUpstreamDrain(): void;
  /**
   * No (further) answer will come.
   * @param stale a reused connection died before any byte of the answer: the server had closed it already
   */
  onUpstreamFailed(code: ErrorCode, stale: boolean): void;
  /** Bytes a second of its client while bytes wait for or from it; Infinity = nothing does, or it cannot be said yet. */
  clientPace(nowMs: number): number;
  /** Its client is too slow for others who wait. */
  onTooSlow(): void;
  /** Since when its answer has been coming, by the coarse clock; -1 = it is not, or waits for its client. */
  readonly streamsFromMs: number;
}

/** A waiting exchange, with the connect time-out of its route. */
export interface Queued extends Carried {
  readonly connectTimeoutMs: number;
  /** It may stand behind others on a connection, and be sent again: a safe method, no body, no probe of a breaker. */
  readonly mayShare: boolean;
}

/** What connections need of the upstream of their target. */
export interface ConnectionSettings {
  readonly config: { readonly idleMs: number; readonly maxHeaderBytes: number };
  readonly deadlines: Deadlines;
  readonly handles: Handles | undefined;
  readonly names: { readonly lookup: LookupFunction };
  tlsOptions(address: string): ConnectionOptions;
}

/** What a connection needs of its target, and tells it. */
export interface ConnectionOwner {
  readonly config: TargetConfig;
  readonly hostLine: string;
  readonly knownHead: KnownHead;
  readonly upstream: ConnectionSettings;
  /** It is used no more: connections go as soon as they are free. */
  readonly closing: boolean;
  /** Busy connections and exchanges that wait. */
  pending: number;
  onConnected(connection: Connection): void;
  onAnswered(connection: Connection): void;
  onRested(connection: Connection): void;
  onClosed(
    connection: Connection,
    how: { readonly before: Connection['state']; readonly failure: ErrorCode | undefined },
  ): void;
}

/** One TCP or TLS connection to a target, reused for one exchange after the other. */
export class Connection implements ResponseHandler, Waiting, WireOwner {
  readonly target: ConnectionOwner;
  parser: ResponseParser;
  state: 'connecting' | 'busy' | 'resting' | 'idle' | 'closed' = 'connecting';
  carried: Carried | undefined = undefined;
  /** A retry waits for exactly this connection. */
  reservedFor: Carried | undefined = undefined;
  /** Exchanges it has carried before the present one. */
  served = 0;
  idleSinceMs = 0;
  idleLimitMs: number;
  /** When it has come to its greatest age, and carries nothing more. */
  expiresMs = Number.POSITIVE_INFINITY;
  /** Why it never came to stand, in words for the log. */
  failureText = 'no connection within the time-out';
  /** Nobody has said yet which addresses the name of its target has. */
  resolving: boolean;
  /** The carried exchange has written its whole request. */
  requestSent = false;
  /** It carries a stream, and is not one of its pool meanwhile. */
  apart = false;

  readonly #socket: Socket;
  #wire: Wire | undefined = undefined;
  #paused = false;
  /** The other side takes no more of the request; it may have answered already. */
  #writeFailed = false;

  // What the last read brought, for Carried.onUpstreamRead.
  headArrived = false;
  bodyStart = 0;
  bodyEnd = 0;
  complete = false;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(target: ConnectionOwner) {
    this.target = target;
    this.parser = new ResponseParser(this, {
      known: target.knownHead,
      maxHeadBytes: target.upstream.config.maxHeaderBytes,
    });
    this.idleLimitMs = target.upstream.config.idleMs;
    const { secure, host, port, address = host } = target.config;
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => {
        this.onBytes(length);
        return true; // pausing is done by pause(), which knows the exchange
      },
    };
    this.resolving = isIP(address) === 0;
    const lookup: LookupFunction = (name, options, callback) =>
      target.upstream.names.lookup(name, options, (error, addresses, family) => {
        this.resolving = false;
        callback(error, addresses, family);
      });
    this.#socket = secure
      ? connectTls({ host: address, port, onread, lookup, ...target.upstream.tlsOptions(host) } as ConnectionOptions)
      : connectTcp({ host: address, port, onread, lookup });
    this.#socket.setNoDelay(true);
    this.#socket.once(secure ? 'secureConnect' : 'connect', () => {
      if (this.state !== 'connecting') return;
      this.state = 'idle';
      this.#wire = openWire(this.#socket, this, target.upstream.handles);
      target.onConnected(this);
    });
    this.#socket.on('error', (error) => this.#onSocketGone(error));
    this.#socket.on('close', () => this.#onSocketGone(undefined));
  }

  /** The exchange takes the connection; it writes right after this. */
  carry(carried: Carried, method: string): void {
    this.state = 'busy';
    this.carried = carried;
    this.requestSent = false;
    this.parser.begin(method);
  }

  /**
   * Writes a request, or a part of it, in one piece.
   * @param data memory that is not written again; never a part of a read buffer
   */
  write(data: string | Uint8Array, encoding: 'latin1' | 'utf8'): void {
    this.#wire?.write(data, encoding);
  }

  /** The same for several pieces. */
  writeAll(pieces: readonly Uint8Array[]): void {
    this.#wire?.writeAll(pieces);
  }

  /** Some of what was written has not left yet: the other side does not read. */
  get hasUnsent(): boolean {
    return this.#wire?.hasUnsent === true;
  }

  /** So much of it that onUpstreamDrain should be waited for. */
  get isFull(): boolean {
    return this.#wire?.isFull === true;
  }

  /** What was written will never all arrive. */
  get writeFailed(): boolean {
    return this.#writeFailed;
  }

  protected get isPaused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
    this.#wire?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#wire?.resume();
  }

  /** The exchange wants no answer any more, and hears nothing further. */
  leave(_carried: Carried): void {
    this.destroy();
  }

  /** Ends the connection; its exchange, if any, hears nothing of it. */
  destroy(): void {
    if (this.state === 'closed') return;
    this.carried = undefined;
    this.close();
  }

  onInformational(): void {
    this.carried?.onInformational(this.parser.statusLine, this.parser.fields);
  }

  onHead(): void {
    this.headArrived = true;
  }

  onBody(_chunk: Buffer, start: number, end: number): void {
    this.bodyStart = start;
    this.bodyEnd = end;
  }

  onComplete(): void {
    this.complete = true;
  }

  /** The loop has looked at it once more since its answer ended. */
  onRested(): void {
    this.target.onRested(this);
  }

  /** The connect time-out. */
  onDeadline(): void {
    if (this.resolving)
      this.failureText = `no address of ${this.target.config.host} within the time-out for connecting`;
    this.fail(this.resolving ? 'upstream_unresolved' : 'upstream_connect_timeout');
  }

  /** The bytes of the last read, valid inside onUpstreamRead only. */
  get readBuffer(): Buffer {
    return readBuffer;
  }

  onBytes(length: number): void {
    if (this.state === 'closed') return;
    this.clearRead();
    const fault = this.parser.execute(readBuffer, length);
    if (fault !== undefined && !this.complete) {
      this.fail(fault === 'head_too_large' ? 'upstream_header_too_large' : 'upstream_bad_response');
      return;
    }
    // A full buffer hides whether there is more behind the answer, and libuv reads that before anything else happens.
    if (this.complete && length === readBuffer.length) this.parser.reusable = false;
    this.deliver();
  }

  protected clearRead(): void {
    this.headArrived = false;
    this.bodyStart = 0;
    this.bodyEnd = 0;
    this.complete = false;
  }

  protected deliver(): void {
    const carried = this.carried;
    if (carried === undefined) return;
    const complete = this.complete; // the fields are another exchange's once this one is answered
    if (complete) this.carried = undefined;
    carried.onUpstreamRead(this);
    if (!complete || (this.state as string) === 'closed') return;
    if (this.#paused) this.resume(); // of TLS more can come after a pause, even the end
    this.answered();
  }

  /** The answer of the exchange that was carried is complete. */
  protected answered(): void {
    this.target.pending--;
    this.target.onAnswered(this);
  }

  /** Exchanges that count as pending for its sake while it is busy. */
  protected get outstanding(): number {
    return 1;
  }

  onDrain(): void {
    this.carried?.onUpstreamDrain();
  }

  onWriteFailed(): void {
    this.#writeFailed = true;
  }

  onReadFailed(): void {
    if (this.state !== 'closed') this.fail('upstream_reset');
  }

  onEnd(): void {
    if (this.state === 'closed') return;
    if (this.state === 'busy') {
      this.clearRead();
      const fault = this.parser.finish();
      if (fault === undefined) {
        this.deliver();
      } else {
        this.fail('upstream_reset');
        return;
      }
    }
    this.close();
  }

  #onSocketGone(error: NetError | undefined): void {
    if (this.state === 'closed') return;
    if (this.state === 'connecting') {
      this.failureText = error === undefined ? 'closed before the connection stood' : failureText(error);
      this.fail(error === undefined ? 'upstream_reset' : connectFailure(error));
    } else if (error !== undefined && this.served === 0 && !this.parser.started && isLateRefusal(error)) {
      this.failureText = failureText(error);
      this.fail('upstream_tls_failed');
    } else if (error !== undefined || this.carried === undefined) {
      this.fail('upstream_reset');
    } else {
      this.onEnd();
    }
  }

  /**
   * The stream under it, which goes on without it: for the connection that is its end. `undefined` where it has none of
   * its own (TLS, or no handles), and nothing has changed.
   */
  protected releaseHandle(): StreamHandle | undefined {
    if (this.target.upstream.handles === undefined || this.state === 'closed') return undefined;
    if (this.hasUnsent || this.#writeFailed) return undefined;
    const handle = takeHandle(this.#socket);
    if (handle !== undefined) this.destroy();
    return handle;
  }

  /** Says that nothing more will be written. */
  protected endWriting(): void {
    this.#socket.end();
  }

  protected fail(code: ErrorCode): void {
    const { state, carried } = this;
    const stale = code === 'upstream_reset' && this.served > 0 && !this.parser.started;
    this.carried = undefined;
    this.close(state === 'connecting' || code === 'upstream_tls_failed' ? code : undefined);
    carried?.onUpstreamFailed(code, stale);
  }

  protected close(connectFailureCode?: ErrorCode): void {
    if (this.state === 'closed') return;
    const before = this.state;
    if (before === 'busy') this.target.pending -= this.outstanding;
    this.state = 'closed';
    this.#socket.destroy();
    this.target.onClosed(this, { before, failure: connectFailureCode });
  }
}
