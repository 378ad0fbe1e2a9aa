import { ownerPlaceOf } from '../../../../shared/net/handles.ts';
import type { StreamHandle, TcpHandle } from '../../../../shared/net/handles.ts';
import type { AnsweredExchange } from '../../exchange/client-side.ts';
import type { ClientCertificate } from '../../identity/certificates/client-certificate.ts';
import { FAULT_FIELD, injectFault } from '../../test-faults.ts';
import type { ConnectionHost } from './connection-host.ts';
import {
  ALL_SAFE,
  ASKED_CLOSE,
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_PAUSED,
  BODY_SILENT,
  CLOSED,
  CONSUMING,
  EVENT_STREAM,
  EXPECTS,
  HALF_CLOSED,
  HEAD,
  HTTP_1_0,
  IGNORED,
  KEPT_FULL,
  LAST_REQUEST,
  LINGER,
  MOST_WAITING_BYTES,
  SAID_ALL,
  TUNNEL,
} from './connection-state.ts';
import { ConnectionTimer } from './connection-timer.ts';
import type { Wait } from './connection-timer.ts';
import { INCOMPLETE, MALFORMED, skipEmptyLines } from './head-parser-start.ts';
import type { NativeRequestHead } from './head-parser.ts';
import { HeldRequestHead } from './held-request-head.ts';
import { BAD_CHUNKS, RequestBodyDecoder } from './request-body-decoder.ts';
import { SocketHandle } from './socket-handle.ts';
import { TunnelLine } from './tunnel-line.ts';

/** What is read and dropped after the last answer, and for how long, so that no reset takes the answer away. */
const MOST_LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2_000;
/** How many idle time-outs a client may take to make room for more of what it is told; see UpstreamCall.onClientReads. */
const STALL_PATIENCE = 4;
/** From the first byte of a request's head to its last; less where idle connections are closed sooner. */
const HEADER_MS = 10_000;

const UV_EOF = -4095;

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/** A handle knows its connection. */
type OwnedHandle = StreamHandle & Record<symbol, ClientConnection | undefined>;

/** On a handle that has an owner already, the socket of TLS, or is none of Node's. */
const OWNER = Symbol('connection');
/** Node's TCP handles have a place for their owner; a property of our own would cost each connection 36 bytes. */
let ownerPlace: symbol | undefined;

function placeOn(handle: StreamHandle): symbol {
  ownerPlace ??= ownerPlaceOf(handle) ?? OWNER;
  return ownerPlace;
}

/** What ends a connection in place of its handle. */
interface ConnectionOwner {
  destroy(): void;
  /** @see ClientSide.certificate */
  certificate?(): ClientCertificate | undefined;
}

/** Whose handle it is, and what ends it where that is not the handle itself (TLS). */
export interface ClientPeer {
  /** Row in the connection table; -1 = none. */
  readonly index: number;
  /** Canonical text. */
  readonly address: string;
  readonly socket?: ConnectionOwner | undefined;
}

/**
 * One client's connection, for all its exchanges: it reads requests, keeps answers in the order of these, and is the
 * client's side of each. Nearly always one exchange after the other is served; what more there may be (requests that came
 * early, answers that are ready early, a head in pieces, a body in chunks, a wait) is made when it is needed, so that an
 * idle connection is this object and its handle.
 */
export class ClientConnection extends TunnelLine {
  /** Place in the host's list. */
  at = -1;
  readonly #socket: ConnectionOwner | undefined;
  #decoder: RequestBodyDecoder | undefined = undefined;
  #held: HeldRequestHead | undefined = undefined;
  #timer: ConnectionTimer | undefined = undefined;

  constructor(handle: StreamHandle, host: ConnectionHost, peer: ClientPeer) {
    super(handle, host, peer);
    this.#socket = peer.socket;
    (handle as OwnedHandle)[this.#isPlain ? placeOn(handle) : OWNER] = this;
    handle.useUserBuffer(host.readBuffer);
    handle.onread = this.#isPlain ? onPlainRead : onRead;
    handle.readStart();
  }

  override certificate(): ClientCertificate | undefined {
    return this.#socket?.certificate?.();
  }

  get #isPlain(): boolean {
    return this.#socket === undefined && !(this.handle instanceof SocketHandle);
  }

  protected override readFor(tunnel: ((length: number) => void) | undefined): void {
    if (tunnel === undefined) {
      this.handle.onread = this.#isPlain ? onPlainRead : onRead;
      return;
    }
    const { streamState, READ_BYTES_OR_ERROR } = this.tools.handles;
    this.handle.onread = () => tunnel(streamState[READ_BYTES_OR_ERROR] as number);
  }

  protected override stopWaiting(): void {
    this.#wait(undefined, 0);
  }

  /** @param length of what came, or a negative errno */
  onRead(length: number): void {
    try {
      if (length > 0) this.take(this.host.readBuffer, 0, length);
      else if (length === UV_EOF) this.#onEnd();
      else if (length < 0) this.destroy();
    } catch (error) {
      this.host.onFault(error);
      this.destroy();
    }
  }

  /** Bytes [from, to) have come; they may be overwritten. */
  take(bytes: Buffer, from: number, to: number): void {
    if (this.kept === undefined) this.#consume(bytes, from, to);
    else this.#keep(bytes, from, to);
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    this.flags |= CONSUMING;
    let at = from;
    while (at < to) {
      switch (this.phase) {
        case HEAD:
          at = this.#readHead(bytes, at, to);
          break;
        case BODY_LENGTH:
        case BODY_CHUNKED:
          at = this.#readBody(bytes, at, to);
          break;
        case LINGER:
          this.flags &= ~SAID_ALL; // the client sends on nevertheless
          this.remaining += to - at;
          if (this.remaining > MOST_LINGER_BYTES) this.handle.readStop(); // until the time is over, so that it reads
          at = to;
          break;
        default:
          this.flags &= ~ASKED_CLOSE;
          at = to;
      }
    }
    this.flags &= ~CONSUMING;
    this.flushCorked();
  }

  /** Returns where it stopped; what is not of this request, or waits for its turn, counts as read. */
  #readHead(bytes: Buffer, from: number, to: number): number {
    if ((this.count > 0 || this.pendingWrites > 0) && !this.mayRunBeside()) {
      this.#keep(bytes, from, to);
      if (this.#held !== undefined) {
        this.#wait(undefined, 0); // the rest of the head is here: it is the client's reading that is waited for
        this.waitForRoom();
      }
      return to;
    }
    const { head } = this.host;
    let next: number;
    if (this.#held === undefined) {
      const start = skipEmptyLines(bytes, from, to);
      if (start === to) return to; // a device that ends its body with an empty line, and has nothing more to say
      next = head.parse(bytes, start, to);
      if (next === INCOMPLETE) return this.#holdHead(bytes, start, to);
    } else {
      next = this.#held.append(bytes, from, to);
      if (next === INCOMPLETE) {
        if (this.#timer === undefined) this.#waitForHead();
        return to;
      }
      this.#held = undefined;
      this.#wait(undefined, 0);
    }
    if (next === MALFORMED) return this.#serve(bytes, to, to);
    // What follows a request to change protocols may be of another one.
    const besides = isSafe(head.method) && !hasBody(head) && head.minorVersion === 1 && head.upgrade === '';
    if (this.count > 0 && !besides) {
      this.#keep(bytes, from, to);
      return to;
    }
    this.flags = besides ? this.flags | ALL_SAFE : this.flags & ~ALL_SAFE;
    return this.#serve(bytes, next, to);
  }

  #holdHead(bytes: Buffer, from: number, to: number): number {
    if (this.count > 0) {
      this.#keep(bytes, from, to);
      return to;
    }
    const held = new HeldRequestHead(this.host.head);
    if (held.append(bytes, from, to) === INCOMPLETE) {
      this.#held = held;
      this.#waitForHead();
      return to;
    }
    return this.#serve(bytes, to, to);
  }

  #waitForHead(): void {
    this.#wait('header', Math.min(HEADER_MS, this.host.settings.idleTimeoutMs));
  }

  /** What came before its turn, until the exchanges under way are over. */
  #keep(bytes: Buffer, from: number, to: number): void {
    const piece = bytes.subarray(from, to);
    this.kept = this.kept === undefined ? Buffer.from(piece) : Buffer.concat([this.kept, piece]);
    if (this.kept.length < MOST_WAITING_BYTES || (this.flags & KEPT_FULL) !== 0) return;
    this.flags |= KEPT_FULL;
    this.handle.readStop();
  }

  protected override takeKept(): void {
    if ((this.flags & CONSUMING) !== 0) return;
    const kept = this.kept;
    if (kept !== undefined) {
      this.kept = undefined;
      if ((this.flags & KEPT_FULL) !== 0) {
        this.flags &= ~KEPT_FULL;
        this.readOn();
      }
      this.#consume(kept, 0, kept.length);
    }
    if ((this.flags & HALF_CLOSED) !== 0 && this.phase !== LINGER) this.#afterEnd();
  }

  protected override readOn(): void {
    if (this.phase !== CLOSED && (this.flags & (BODY_PAUSED | KEPT_FULL)) === 0) this.handle.readStart();
  }

  /** A head is read, or refused: an exchange begins, with what is here of its body. Returns where it stopped. */
  #serve(bytes: Buffer, from: number, to: number): number {
    const { head } = this.host;
    const exchange = this.host.openExchange(this);
    this.enqueue(exchange);
    this.flags = head.minorVersion === 0 ? this.flags | HTTP_1_0 : this.flags & ~HTTP_1_0;
    if (head.fault !== undefined) this.flags |= LAST_REQUEST;
    else if (!head.persistent) this.flags |= LAST_REQUEST | ASKED_CLOSE;
    this.phase = (this.flags & LAST_REQUEST) === 0 ? HEAD : IGNORED;
    if (head.fault === undefined && hasBody(head)) this.#expectBody(head, exchange);
    let at = from;
    try {
      if (this.host.testFaults) injectFault(faultOf(head.fields));
      exchange.start(head);
      while (at < to && this.receiver === exchange) at = this.#readBody(bytes, at, to);
      exchange.proceed();
    } catch (error) {
      exchange.onFault(error);
    }
    return at;
  }

  #expectBody(head: NativeRequestHead, exchange: AnsweredExchange): void {
    this.receiver = exchange;
    this.flags &= ~BODY_SILENT;
    if (head.expectsContinue) this.flags |= EXPECTS;
    if (head.chunked) {
      this.phase = BODY_CHUNKED;
      this.#decoder = new RequestBodyDecoder();
      this.#decoder.reset(head);
    } else {
      this.phase = BODY_LENGTH;
      this.remaining = head.contentLength;
    }
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    if ((this.flags & BODY_SILENT) !== 0) this.host.markBusy(this.index);
    this.flags &= ~(EXPECTS | BODY_SILENT);
    return this.phase === BODY_CHUNKED ? this.#readChunks(bytes, from, to) : this.#readLength(bytes, from, to);
  }

  #readLength(bytes: Buffer, from: number, to: number): number {
    const exchange = this.receiver;
    const end = Math.min(to, from + this.remaining);
    this.remaining -= end - from;
    const last = this.remaining === 0;
    if (last) {
      this.#onBodyRead();
      exchange?.onBodyEnds();
    }
    exchange?.onBody(bytes, from, end);
    return end;
  }

  #readChunks(bytes: Buffer, from: number, to: number): number {
    const exchange = this.receiver;
    const decoder = this.#decoder as RequestBodyDecoder;
    const next = decoder.decode(bytes, from, to);
    if (next === BAD_CHUNKS) {
      this.flags |= LAST_REQUEST;
      this.#onBodyRead();
      exchange?.fail('bad_request');
      return to;
    }
    const { start, end, done } = decoder;
    if (done) {
      if (decoder.trailers !== '') exchange?.onTrailers(decoder.trailers);
      this.#onBodyRead();
      exchange?.onBodyEnds();
    }
    if (done || end > start) exchange?.onBody(bytes, start, end);
    return next;
  }

  #onBodyRead(): void {
    this.receiver = undefined;
    this.#decoder = undefined;
    this.phase = (this.flags & LAST_REQUEST) === 0 ? HEAD : IGNORED;
  }

  #onEnd(): void {
    this.flags |= HALF_CLOSED;
    if (this.phase === LINGER && this.pendingWrites > 0) return; // it may still read
    this.#afterEnd();
  }

  /** The client has sent its end: it leaves, or waits for what it has asked for; only time tells. */
  #afterEnd(): void {
    const unfinished = this.receiver !== undefined || this.#held !== undefined || this.phase === LINGER;
    if (unfinished || (this.flags & EVENT_STREAM) !== 0) this.destroy();
    else if (this.first !== undefined || this.kept !== undefined) {
      this.#wait('half-closed', this.host.settings.halfCloseMs);
      this.host.markIdle(this.index); // it may have left: one of those that make room
    } else if (this.phase !== CLOSED) this.close();
  }

  #wait(wait: Wait | undefined, durationMs: number): void {
    const { deadlines } = this.host;
    if (this.#timer !== undefined) deadlines.disarm(this.#timer);
    this.#timer =
      wait === undefined ? undefined : new ConnectionTimer(wait, this.#takenBytes, (over) => this.#onWaitOver(over));
    if (this.#timer !== undefined) deadlines.arm(this.#timer, durationMs);
  }

  protected override get writesOneByOne(): boolean {
    return this.#socket !== undefined;
  }

  /** Of the answer that is given. */
  get #takenBytes(): number {
    return (this.first?.bytesSent ?? 0) - this.unsentBytes();
  }

  /** It has taken all that its answer, which has begun, has brought so far. */
  get #hasAllThereIs(): boolean {
    return (this.first?.bytesSent ?? 0) > 0 && this.unsentBytes() === 0;
  }

  #onWaitOver({ wait, takenBytes }: ConnectionTimer): void {
    this.#timer = undefined;
    switch (wait) {
      case 'header':
        this.#refuseSlowHead();
        return;
      case 'half-closed':
        // Once its header is there, the rest comes when it comes, as for everybody; who takes nothing has left.
        if (this.#takenBytes > takenBytes || this.#hasAllThereIs) {
          this.#wait('half-closed', this.host.settings.halfCloseMs);
        } else this.destroy();
        return;
      case 'stalled':
        if (this.#takenBytes > takenBytes) this.waitForRoom();
        else this.#onStalled();
        return;
      case 'linger':
        this.destroy();
        return;
      default:
        wait satisfies never;
    }
  }

  /** An answer of which nobody else takes care has not left whole. */
  protected override waitForRoom(): void {
    if (this.#timer === undefined && this.phase !== TUNNEL)
      this.#wait('stalled', STALL_PATIENCE * this.host.settings.idleTimeoutMs);
  }

  #onStalled(): void {
    if (this.first !== undefined) {
      this.first.fail('client_stalled');
      return;
    }
    this.host.onStalled();
    this.destroy();
  }

  protected override onDrained(): void {
    if (this.#timer?.wait === 'stalled') this.#wait(undefined, 0);
    if (this.phase === LINGER) this.#linger();
    else if (this.phase === TUNNEL) this.tunnelDrained();
    else super.onDrained();
  }

  #refuseSlowHead(): void {
    this.#held = undefined;
    this.flags |= LAST_REQUEST;
    this.phase = IGNORED;
    const exchange = this.host.openExchange(this);
    this.enqueue(exchange);
    exchange.refuseUnread('header_timeout');
  }

  /** Nothing is under way: whether it may be closed for its silence. */
  isIdle(): boolean {
    return this.count === 0 && this.#held === undefined && this.phase !== LINGER && this.phase !== TUNNEL;
  }

  /** A request's head has come in part. */
  isBeginning(): boolean {
    return this.#held !== undefined;
  }

  /** An idle connection is given up; the client hears of it in order. @returns whether it was idle */
  closeIdle(): boolean {
    const idle = this.isIdle();
    if (idle) this.close();
    return idle;
  }

  /**
   * Once a second: who owes the rest of a body, and has sent nothing of it since the last look, is one of those that make
   * room.
   */
  look(): void {
    if (this.receiver === undefined || this.count !== 1 || (this.flags & BODY_PAUSED) !== 0) return;
    if ((this.flags & BODY_SILENT) !== 0) this.host.markIdle(this.index);
    else this.flags |= BODY_SILENT;
  }

  /**
   * There are too many connections, and this is one of the client that has most of them: it goes if it is idle, or waits
   * for its client, of which nobody knows whether it is still there.
   * @returns whether it goes
   */
  makeRoom(): boolean {
    if (this.isIdle()) this.close();
    else if (this.phase === LINGER || (this.flags & (BODY_SILENT | HALF_CLOSED)) !== 0) this.destroy();
    else return false;
    return true;
  }

  /** What its client has shown of itself holds no more: what is under way is answered, the next request needs a new one. */
  retire(): void {
    if (this.phase === TUNNEL) return; // the thread's WebSockets know who goes by a certificate
    if (this.count === 0) {
      this.close(); // also in the middle of a head: of that nothing has been done
      return;
    }
    this.flags |= LAST_REQUEST;
    if (this.phase === HEAD) this.phase = IGNORED;
    this.kept = undefined;
  }

  /**
   * Nothing more is said to the client. What it still sends is read and dropped for a while: a connection that is closed
   * with unread bytes in it is reset, and the reset may overtake the last answer (RFC 9112, section 9.6).
   */
  protected override close(): void {
    if (this.phase === CLOSED || this.phase === LINGER) return;
    for (let each = this.first; each !== undefined; each = each.nextInLine) each.onClientGone();
    this.first = undefined;
    this.last = undefined;
    this.count = 0;
    this.flush();
    if (this.phase === CLOSED) return; // the write failed
    // The client has said all that it was going to say, so nothing of it can be in the way.
    if (this.phase === IGNORED && this.receiver === undefined && (this.flags & ASKED_CLOSE) !== 0) {
      this.flags |= SAID_ALL;
    }
    this.phase = LINGER;
    this.host.markIdle(this.index); // nothing more is done for it
    this.receiver = undefined;
    this.#decoder = undefined;
    this.kept = undefined;
    this.remaining = 0;
    this.flags &= ~(BODY_PAUSED | KEPT_FULL);
    if (this.pendingWrites === 0) {
      this.#linger();
      return;
    }
    // The last answers have not left whole: a client that is slow with them may take longer than one that sends on.
    this.handle.readStop();
    this.#wait(undefined, 0);
    this.waitForRoom();
  }

  #linger(): void {
    const request = new this.tools.handles.ShutdownRequest();
    request.oncomplete = () => {
      if ((this.flags & (SAID_ALL | HALF_CLOSED)) !== 0) this.destroy();
    };
    if (this.handle.shutdown(request) !== 0) {
      this.destroy();
      return;
    }
    if ((this.flags & HALF_CLOSED) === 0) this.handle.readStart();
    this.#wait('linger', LINGER_MS);
  }

  protected override reset(): void {
    // TLS says by itself whether its end was meant. Once it is reset, closing a handle does nothing.
    if (this.#socket === undefined && this.phase !== CLOSED && 'reset' in this.handle)
      (this.handle as TcpHandle).reset();
    this.destroy();
  }

  /** Ends the connection at once; exchanges under way hear that their client is gone. */
  override destroy(): void {
    if (this.phase === CLOSED) return;
    this.phase = CLOSED;
    this.#wait(undefined, 0);
    this.kept = undefined;
    this.#held = undefined;
    this.receiver = undefined;
    this.#decoder = undefined;
    this.handle.onread = nothing;
    if (this.#socket === undefined) this.handle.close();
    else this.#socket.destroy();
    this.host.onClosed(this);
    this.tunnelGone();
    let each = this.first;
    this.first = undefined;
    this.last = undefined;
    this.count = 0;
    while (each !== undefined) {
      const next: AnsweredExchange | undefined = each.nextInLine;
      each.nextInLine = undefined;
      each.heldAnswer = undefined;
      each.onClientGone();
      each = next;
    }
  }
}

function onPlainRead(this: OwnedHandle): void {
  readFor(this[ownerPlace as symbol]);
}

function onRead(this: OwnedHandle): void {
  readFor(this[OWNER]);
}

function readFor(owner: ClientConnection | undefined): void {
  if (owner === undefined) return;
  const { streamState, READ_BYTES_OR_ERROR } = owner.tools.handles;
  owner.onRead(streamState[READ_BYTES_OR_ERROR] as number);
}

const nothing = (): void => undefined;

const hasBody = (head: NativeRequestHead): boolean => head.contentLength > 0 || head.chunked;

const FAULT = new RegExp(`^${FAULT_FIELD}: (.*)\r$`, 'im');
const faultOf = (fields: string): string => FAULT.exec(fields)?.[1] ?? '';
