import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { DeadlineList, Waiting } from '../deadlines.ts';
import { writeDirectly, type DirectWriter } from './direct-write.ts';
import { ResponseParser, type ResponseHandler } from './response-parser.ts';
import type { Target } from './target.ts';

/** What a connection carries: one exchange at a time. */
export interface Carried {
  /** A connection is ready: write the request on it now. */
  onConnection(connection: Connection): void;
  /** One read was parsed; the connection's `head…`, `body…` and `complete` fields say what it brought. */
  onUpstreamRead(connection: Connection): void;
  /** The socket takes more of the request body. */
  onUpstreamDrain(): void;
  /**
   * No (further) answer will come.
   * @param stale a reused connection died before any byte of the answer: the server had closed it already
   */
  onUpstreamFailed(code: ErrorCode, stale: boolean): void;
}

/**
 * Every socket of the thread reads into this one buffer: libuv fills it and calls back before anything else runs, so no
 * two reads overlap, it stays in the cache, and 128 connections do not hold 8 MB.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** A node error code that says why no connection came about. */
function connectFailure(error: NodeJS.ErrnoException): ErrorCode {
  const code = error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL' || code === 'ENODATA')
    return 'upstream_unresolved';
  if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.startsWith('CERT_') || TLS_CODES.has(code)) {
    return 'upstream_tls_failed';
  }
  return code === 'ETIMEDOUT' ? 'upstream_connect_timeout' : 'upstream_refused';
}

/** What OpenSSL's certificate checks put into error.code without a common prefix. */
const TLS_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'HOSTNAME_MISMATCH',
  'EPROTO',
]);

/** One TCP or TLS connection to a target, reused for one exchange after the other. */
export class Connection implements ResponseHandler, Waiting, DirectWriter {
  readonly target: Target;
  readonly parser: ResponseParser = new ResponseParser(this);
  readonly socket: Socket;
  state: 'connecting' | 'busy' | 'resting' | 'idle' | 'closed' = 'connecting';
  carried: Carried | undefined = undefined;
  /** A retry waits for exactly this connection. */
  reservedFor: Carried | undefined = undefined;
  /** Exchanges it has carried before the present one. */
  served = 0;
  idleSinceMs = 0;
  idleLimitMs: number;
  /** The carried exchange has written its whole request. */
  requestSent = false;
  pendingWrites = 0;

  #paused = false;

  // What the last read brought, for Carried.onUpstreamRead.
  headArrived = false;
  bodyStart = 0;
  bodyEnd = 0;
  complete = false;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(target: Target) {
    this.target = target;
    this.idleLimitMs = target.upstream.config.idleMs;
    const { secure, host, port } = target.config;
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => {
        this.#onRead(length);
        return true; // pausing is done by pause(), which knows the exchange
      },
    };
    this.socket = secure
      ? connectTls({ host, port, onread, ...target.upstream.tlsOptions(host) } as ConnectionOptions)
      : connectTcp({ host, port, onread });
    this.socket.setNoDelay(true);
    this.socket.once(secure ? 'secureConnect' : 'connect', () => {
      if (this.state !== 'connecting') return;
      this.state = 'idle';
      target.onConnected(this);
    });
    this.socket.on('error', (error) => this.#onSocketGone(error));
    this.socket.on('end', () => this.#onEnd());
    this.socket.on('close', () => this.#onSocketGone(undefined));
    this.socket.on('drain', () => this.carried?.onUpstreamDrain());
  }

  /** The exchange takes the connection; it writes right after this. */
  carry(carried: Carried, method: string): void {
    this.state = 'busy';
    this.carried = carried;
    this.requestSent = false;
    this.parser.begin(method);
  }

  /** Writes a request, or its beginning, in one piece. */
  write(data: string | Buffer, encoding: 'latin1' | 'utf8'): void {
    const direct = !this.target.config.secure && (encoding === 'latin1' || typeof data !== 'string');
    if (direct) writeDirectly(this, data);
    else this.socket.write(data, encoding);
  }

  /** Some of what was written has not left yet: the other side does not read. */
  get hasUnsent(): boolean {
    return this.pendingWrites > 0 || this.socket.writableLength > 0;
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }

  /** Ends the connection; its exchange, if any, hears nothing of it. */
  destroy(): void {
    if (this.state === 'closed') return;
    this.carried = undefined;
    this.#close();
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

  /** The connect time-out. */
  onDeadline(): void {
    this.#fail('upstream_connect_timeout');
  }

  /** The bytes of the last read, valid inside onUpstreamRead only. */
  get readBuffer(): Buffer {
    return readBuffer;
  }

  #onRead(length: number): void {
    if (this.state === 'closed') return;
    this.#clearRead();
    const fault = this.parser.execute(readBuffer, length);
    if (fault !== undefined && !this.complete) {
      this.#fail('upstream_bad_response');
      return;
    }
    // A full buffer hides whether there is more behind the answer, and libuv reads that before anything else happens.
    if (this.complete && length === readBuffer.length) this.parser.reusable = false;
    this.#deliver();
  }

  #clearRead(): void {
    this.headArrived = false;
    this.bodyStart = 0;
    this.bodyEnd = 0;
    this.complete = false;
  }

  #deliver(): void {
    const carried = this.carried;
    if (carried === undefined) return;
    const complete = this.complete; // the fields are another exchange's once this one is answered
    if (complete) this.carried = undefined;
    carried.onUpstreamRead(this);
    if (!complete || (this.state as string) === 'closed') return;
    if (this.#paused) this.resume(); // of TLS more can come after a pause, even the end
    this.target.onAnswered(this);
  }

  #onEnd(): void {
    if (this.state === 'closed') return;
    if (this.state === 'busy') {
      this.#clearRead();
      const fault = this.parser.finish();
      if (fault === undefined) {
        this.#deliver();
      } else {
        this.#fail('upstream_reset');
        return;
      }
    }
    this.#close();
  }

  #onSocketGone(error: NodeJS.ErrnoException | undefined): void {
    if (this.state === 'closed') return;
    if (this.state === 'connecting') {
      this.#fail(error === undefined ? 'upstream_reset' : connectFailure(error));
    } else if (error !== undefined || this.carried === undefined) {
      this.#fail('upstream_reset');
    } else {
      this.#onEnd();
    }
  }

  #fail(code: ErrorCode): void {
    const { state, carried } = this;
    const stale = code === 'upstream_reset' && this.served > 0 && !this.parser.started;
    this.carried = undefined;
    this.#close(state === 'connecting' ? code : undefined);
    carried?.onUpstreamFailed(code, stale);
  }

  #close(connectFailureCode?: ErrorCode): void {
    if (this.state === 'closed') return;
    const before = this.state;
    if (before === 'busy') this.target.pending--;
    this.state = 'closed';
    this.socket.destroy();
    this.target.onClosed(this, { before, failure: connectFailureCode });
  }
}
