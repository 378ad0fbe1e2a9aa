import type { TargetConfig } from '../../../shared/config/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { EndListener, TunnelEnd } from '../websocket/tunnel-end.ts';
import { Connection } from './connection.ts';
import type { ConnectionOwner, ConnectionSettings, Queued } from './connection.ts';
import { latin1 } from './http-bytes.ts';
import { HandleEnd, LINGER_MS } from './handle-end.ts';
import type { KnownHead } from './known-head.ts';
import { readBuffer } from './read-buffer.ts';
import { ResponseParser } from './response-parser.ts';
import type { Target } from './target.ts';

/** Up to this a piece goes out as text, which libuv tries at once from its stack. */
const MOST_TEXT_BYTES = 12 * 1024;
/** A read of a client, and what was held back before it. */
const COPY_BYTES = 80 * 1024;

/** Of every tunnel: no head comes any more. */
const PARSES_NOTHING = new ResponseParser(
  { onInformational: ignore, onHead: ignore, onBody: ignore, onComplete: ignore },
  { maxHeadBytes: 0 },
);

/** Memory for one write; kept for the next where the kernel has taken all of it at once. */
let spare: Buffer | undefined;

/**
 * A connection to a target that is none of its pool: for one request, which may make a tunnel of it. Otherwise it is
 * closed after the answer.
 */
export class OwnConnection extends Connection implements TunnelEnd {
  readonly #link: OwnLink;
  #tunnel: EndListener | undefined = undefined;
  #isTunnel = false;
  /** Went on with the stream under this connection. */
  #successor: HandleEnd | undefined = undefined;
  #finishing = false;
  /** Leaves at the end of the loop's turn. */
  #soon = '';

  constructor(link: OwnLink) {
    super(link);
    this.#link = link;
    this.parser.mayUpgrade = true;
  }

  /** The end of the tunnel that the answer which was just read makes of it: asked for while that is told. */
  tunnelEnd(): TunnelEnd {
    const { handles, deadlines } = this.target.upstream;
    const handle = this.releaseHandle();
    if (handles === undefined || handle === undefined) return this;
    this.#link.onTaken();
    this.#successor = new HandleEnd(handle, { handles, deadlines });
    return this.#successor;
  }

  /** It is that end itself. */
  begin(listener: EndListener): void {
    this.#tunnel = listener;
    this.#isTunnel = true;
    this.#link.leave();
    this.#link.onTaken();
  }

  override onBytes(length: number): void {
    if (this.#isTunnel) {
      this.#tunnel?.onBytes(readBuffer, 0, length);
      return;
    }
    const { parser } = this;
    super.onBytes(length);
    if (this.#successor !== undefined && parser.end < length) this.#successor.onBytes(parser.end, length);
    if (!this.#isTunnel) return;
    this.parser = PARSES_NOTHING; // a tunnel stands for days: it does not keep what read its head
    if (parser.end < length) this.#tunnel?.onBytes(readBuffer, parser.end, length);
  }

  protected override answered(): void {
    if (!this.#isTunnel) super.answered();
  }

  override onEnd(): void {
    if (!this.#isTunnel) super.onEnd();
    else if (this.#tunnel === undefined) this.destroy();
    else this.#tunnel.onEnd();
  }

  override onReadFailed(): void {
    if (this.#isTunnel) this.#gone();
    else super.onReadFailed();
  }

  override onDrain(): void {
    if (!this.#isTunnel) super.onDrain();
    else if (this.#finishing) this.endWriting();
    else this.#tunnel?.onDrained();
  }

  override onDeadline(): void {
    if (this.#isTunnel) this.destroy();
    else super.onDeadline();
  }

  /** The socket is gone. */
  protected override fail(code: ErrorCode): void {
    if (this.#isTunnel) this.#gone();
    else super.fail(code);
  }

  #gone(): void {
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    this.destroy();
    tunnel?.onGone();
  }

  pass({ before, bytes, from, to }: Parameters<TunnelEnd['pass']>[0], soon: boolean): void {
    if (this.#tunnel === undefined) return;
    const length = before.length + to - from;
    if (this.#soon.length + length > MOST_TEXT_BYTES) {
      this.#flush();
      this.#writeCopy(before, bytes.subarray(from, to));
      return;
    }
    const text = before + latin1(bytes, from, to);
    if (!soon) {
      this.#write(text);
      return;
    }
    if (this.#soon === '') setImmediate(() => this.#flush());
    this.#soon += text;
  }

  say(frame: string): void {
    if (this.#tunnel !== undefined) this.#write(frame);
  }

  #write(text: string): void {
    const all = this.#soon + text;
    this.#soon = '';
    this.write(all, 'latin1');
  }

  #flush(): void {
    if (this.#soon !== '') this.#write('');
  }

  #writeCopy(before: string, piece: Buffer): void {
    const size = before.length + piece.length;
    const copy = this.#memoryFor(size);
    const at = before === '' ? 0 : copy.write(before, 0, 'latin1');
    copy.set(piece, at);
    this.write(copy.subarray(0, size), 'latin1');
    if (!this.hasUnsent && copy.length === COPY_BYTES) spare = copy;
  }

  /** A write over TLS never ends at once. */
  #memoryFor(size: number): Buffer {
    if (this.bringsPieces || size > COPY_BYTES) return Buffer.allocUnsafeSlow(size);
    const memory = spare ?? Buffer.allocUnsafeSlow(COPY_BYTES);
    spare = undefined;
    return memory;
  }

  get isBlocked(): boolean {
    return this.isFull;
  }

  get bringsPieces(): boolean {
    return this.#link.config.secure;
  }

  pauseReading(): void {
    this.pause();
  }

  resumeReading(): void {
    this.resume();
  }

  /** The other side closes first, as a server does (RFC 6455, section 7.1.1), or is not waited for any longer. */
  finish(): void {
    if (this.#tunnel === undefined) return;
    this.#flush();
    this.#tunnel = undefined;
    this.#finishing = true;
    if (this.isPaused) this.resume(); // its end has to be read
    this.target.upstream.deadlines.arm(this, LINGER_MS);
    if (!this.hasUnsent) this.endWriting();
  }

  abandon(): void {
    this.#tunnel = undefined;
    this.destroy();
  }
}

/** What a connection of its own needs of a target, between that and the call it is opened for. */
export class OwnLink implements ConnectionOwner {
  readonly #target: Target;
  readonly #connection: OwnConnection;
  #waiting: Queued | undefined;
  /** The connection's own count; the target's is kept here. */
  pending = 1;
  #left = false;

  /** Opens the connection: calls onConnection or onUpstreamFailed later. */
  constructor(target: Target, waiting: Queued) {
    this.#target = target;
    this.#waiting = waiting;
    target.pending++;
    this.#connection = new OwnConnection(this);
    this.upstream.deadlines.arm(this.#connection, waiting.connectTimeoutMs);
  }

  get config(): TargetConfig {
    return this.#target.config;
  }

  get hostLine(): string {
    return this.#target.hostLine;
  }

  get knownHead(): KnownHead {
    return this.#target.knownHead;
  }

  get closing(): boolean {
    return this.#target.closing;
  }

  get upstream(): ConnectionSettings {
    return this.#target.upstream;
  }

  /** Whoever it is opened for wants it no longer. */
  cancel(): void {
    this.#waiting = undefined;
    this.#connection.destroy();
  }

  /** Why it does not stand yet. */
  get missing(): ErrorCode {
    return this.#connection.resolving ? 'upstream_unresolved' : 'upstream_connect_timeout';
  }

  onConnected(connection: Connection): void {
    this.upstream.deadlines.disarm(connection);
    this.#target.onReached();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.onConnection(connection);
  }

  onAnswered(connection: Connection): void {
    this.#target.onTaken();
    connection.state = 'idle';
    connection.destroy();
  }

  onTaken(): void {
    this.#target.onTaken();
  }

  onRested(): void {} // it never rests

  /** It is a tunnel now: what counts requests counts it no longer. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#target.pending--;
  }

  onClosed(connection: Connection, how: Parameters<ConnectionOwner['onClosed']>[1]): void {
    this.upstream.deadlines.disarm(connection);
    this.leave();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (how.failure === undefined) return;
    if (how.before === 'connecting') this.#target.onUnreached(connection, how.failure);
    else this.#target.onRefusedLate(connection, how.failure);
    waiting?.onUpstreamFailed(how.failure, false);
  }
}

function ignore(): void {}
