import { wallClockMs } from '../../../../shared/clock.ts';
import type { Config } from '../../../../shared/config/types.ts';
import type { StreamHandle } from '../../../../shared/net/handles.ts';
import type { RefusalCode } from '../../../../shared/metrics/layout.ts';
import type { ConnectionRows } from '../../../../shared/threads/connection-table.ts';
import type { ToFrontThread } from '../../../../shared/threads/protocol.ts';
import type { TlsMaterial } from '../../../../shared/tls/material.ts';
import type { Deadlines } from '../../deadlines.ts';
import type { ClientSide } from '../../exchange/client-side.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { RequestThread } from '../../request-thread.ts';
import type { ClientFront, ToClientFront } from '../front.ts';
import { DateLine } from './answer-head.ts';
import { CertifiedSocket } from './certified-socket.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientPeer } from './client-connection.ts';
import { OutputTools } from '../../stream-output.ts';
import type { StreamTools } from '../../stream-output.ts';
import type { ConnectionHost, ConnectionSettings, Flushed } from './connection-host.ts';
import { NativeRequestHead } from './head-parser.ts';
import type { ProxiedSource } from './proxy-protocol.ts';
import { ProxyReception } from './proxy-reception.ts';
import { SocketHandle } from './socket-handle.ts';
import { TlsAcceptor } from './tls-server.ts';
import type { TlsHandlers } from './tls-server.ts';

const READ_BYTES = 64 * 1024;
/** How often idle connections are looked at; each look is a few loads. */
const IDLE_LOOK_MS = 1_000;
const NOTHING = Buffer.alloc(0);

/** A connection as it was handed over. */
export interface ReceivedPeer {
  /** Row in the connection table; -1 = none. */
  readonly index: number;
  /** Canonical text. */
  readonly address: string;
}

/** Where connections come from. */
export interface ConnectionSource {
  receive(message: ToFrontThread): void;
  /** Takes what was sent before, and no more. @returns whether nothing can come any more */
  finish(): boolean;
  close(): void;
}

export interface NativeFrontOptions {
  readonly thread: RequestThread;
  readonly tools: StreamTools;
  readonly rows: ConnectionRows;
  /** Set exactly where the configuration has TLS. */
  readonly tls: TlsMaterial | undefined;
}

/** The clients of one request thread on the native front: their connections, and what these share. */
export class NativeFront implements ClientFront, ConnectionHost {
  readonly tools: OutputTools;
  readonly #head: NativeRequestHead;
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #thread: RequestThread;
  readonly #rows: ConnectionRows;
  readonly #date = new DateLine();
  readonly #connections: ClientConnection[] = [];
  readonly #tls: TlsAcceptor | undefined;
  /** Connections that are not clients yet: they shake hands, or a proxy is about to say whose they are. */
  #arriving = 0;
  /** What ends one of them, by its row. */
  readonly #arrivals = new Map<number, () => void>();
  #source: ConnectionSource | undefined = undefined;
  #toFlush: Flushed[] = [];
  #lookedMs = 0;

  constructor({ thread, tools, rows, tls }: NativeFrontOptions) {
    const config = thread.config.server.tls;
    this.#thread = thread;
    this.#rows = rows;
    this.#tls = config === undefined || tls === undefined ? undefined : new TlsAcceptor(config, tls);
    this.tools = new OutputTools(tools);
    this.#head = new NativeRequestHead(thread.config.server.maxHeaderBytes);
    this.#date.update(wallClockMs());
  }

  /** Set once, before the first connection. */
  set source(source: ConnectionSource) {
    this.#source = source;
  }

  get descriptor(): undefined {
    return undefined; // the front process knows the thread by its slot
  }

  get open(): number {
    return this.#connections.length + this.#arriving;
  }

  get head(): NativeRequestHead {
    // A reload may have changed them.
    this.#head.identifying = this.#thread.identifying;
    this.#head.passesAmbiguous = this.#thread.passesAmbiguous;
    this.#head.maxHeaderCount = this.#thread.config.server.maxHeaderCount;
    return this.#head;
  }

  get deadlines(): Deadlines {
    return this.#thread.deadlines;
  }

  get dateLine(): string {
    return this.#date.text;
  }

  get settings(): ConnectionSettings {
    return this.#thread.config.server;
  }

  get testFaults(): boolean {
    return this.#thread.config.testFaults;
  }

  /** Too many connections are the front's to refuse, before they come here. */
  isBeyondCap(): boolean {
    return false;
  }

  /** A connection was handed over; its handle is not read yet. */
  accept(handle: StreamHandle, peer: ReceivedPeer): void {
    const { server } = this.#thread.config;
    this.#thread.onConnection();
    this.#arriving++;
    if (server.proxyProtocol && this.#thread.table.trustedProxies.isTrusted(peer.address))
      this.#receiveProxy(handle, peer);
    else this.#secure(handle, peer, NOTHING);
  }

  #receiveProxy(handle: StreamHandle, peer: ReceivedPeer): void {
    const { deadlines, readBuffer: buffer } = this;
    const reception = {
      handle,
      tools: this.tools.handles,
      buffer,
      deadlines,
      onHeader: (source: ProxiedSource | undefined, rest: Buffer) =>
        this.#secure(handle, source === undefined ? peer : { ...peer, address: source.address }, rest),
      onFailed: () => {
        handle.close();
        this.#refused('proxy_protocol', peer);
      },
    };
    const arrival = new ProxyReception(reception);
    this.#arrivals.set(peer.index, () => arrival.onDeadline());
  }

  /** @param rest came already, in the shared read buffer */
  #secure(handle: StreamHandle, peer: ReceivedPeer, rest: Buffer): void {
    const tls = this.#tls;
    if (tls === undefined) {
      this.#add(handle, peer, rest);
      return;
    }
    const isPublic = handle instanceof SocketHandle;
    const handlers: TlsHandlers = {
      firstBytes: rest,
      onSecure: (tlsHandle, socket) => {
        const own = isPublic ? new SocketHandle(socket) : (tlsHandle as StreamHandle);
        const owner = tls.asksClients ? new CertifiedSocket(socket) : socket;
        const connection = this.#add(own, { ...peer, socket: owner }, NOTHING);
        socket.once('close', () => connection.destroy());
      },
      onFailed: (reason, why = '') => {
        if (reason === 'untrusted') this.#thread.refusedCertificates.note(why, { address: peer.address });
        this.#refused('tls_handshake', peer);
      },
    };
    this.#arrivals.delete(peer.index);
    const socket = isPublic ? tls.acceptSocket(handle.socket, handlers) : tls.accept(handle, handlers);
    if (socket !== undefined) this.#arrivals.set(peer.index, () => socket.destroy());
  }

  #add(handle: StreamHandle, peer: ClientPeer, rest: Buffer): ClientConnection {
    this.#arriving--;
    this.#arrivals.delete(peer.index);
    const connection = new ClientConnection(handle, this, peer);
    connection.at = this.#connections.push(connection) - 1;
    if (rest.length > 0) connection.take(Buffer.from(rest), 0, rest.length);
    return connection;
  }

  /** A connection that never came to a request is gone. */
  #refused(code: RefusalCode, { index }: ReceivedPeer): void {
    this.#thread.metrics.refused(code);
    this.#arriving--;
    this.#arrivals.delete(index);
    if (index >= 0) this.#rows.release(index);
  }

  get mayReadAhead(): boolean {
    return this.#thread.inFlight * 2 < this.#thread.config.server.maxInFlight;
  }

  openExchange(client: ClientSide): Exchange {
    return this.#thread.open(client);
  }

  markBusy(index: number): void {
    if (index >= 0) this.#rows.markBusy(index);
  }

  markIdle(index: number): void {
    if (index >= 0) this.#rows.markIdle(index, this.#thread.deadlines.nowMs);
  }

  flushSoon(connection: Flushed): void {
    this.#toFlush.push(connection);
    if (this.#toFlush.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const connections = this.#toFlush;
    this.#toFlush = [];
    for (const each of connections) each.flushCorked();
  }

  onClosed({ index, at }: { readonly index: number; readonly at: number }): void {
    const last = this.#connections.pop();
    if (last !== undefined && last.at !== at) {
      this.#connections[at] = last;
      last.at = at;
    }
    if (index >= 0) this.#rows.release(index);
  }

  onStalled(): void {
    this.#thread.metrics.refused('client_stalled');
  }

  onFault(error: unknown): void {
    this.#thread.log.error({ err: error }, 'a client connection failed');
  }

  configure({ server }: Config, tls: TlsMaterial | undefined): void {
    if (server.tls === undefined || tls === undefined || this.#tls?.reload(server.tls, tls) !== true) return;
    // From the end: one that closes moves the last into its place, which has been looked at.
    for (let i = this.#connections.length - 1; i >= 0; i--) this.#connections[i]?.retire();
    this.#thread.websockets.onTrustChanged();
  }

  receive(message: ToClientFront): void {
    if (message.type === 'ticket-keys') this.#tls?.setTicketKeys(message.keys);
    else if (message.type === 'close-idle') this.#closeIdle(message.index, message.since);
    else this.#source?.receive(message);
  }

  finish(): boolean {
    return this.#source?.finish() !== false;
  }

  isResting(): boolean {
    return this.#arriving === 0 && !this.#connections.some((each) => each.isBeginning());
  }

  /** Room is needed: closes this connection if it has been idle, or has waited for its client, since then. */
  #closeIdle(index: number, since: number): void {
    if (!this.#rows.isIdleSince(index, since)) return;
    const connection = this.#connections.find((each) => each.index === index);
    if (connection === undefined) this.#arrivals.get(index)?.();
    else if (connection.makeRoom()) this.#thread.metrics.refused('evicted');
  }

  tick(nowMs: number): void {
    this.#date.update(wallClockMs());
    if (nowMs - this.#lookedMs < IDLE_LOOK_MS) return;
    this.#lookedMs = nowMs;
    const idleSinceMs = nowMs - this.#thread.config.server.idleTimeoutMs;
    // From the end: closing one moves the last into its place, which has been looked at.
    for (let i = this.#connections.length - 1; i >= 0; i--) {
      const connection = this.#connections[i];
      connection?.look();
      if (connection === undefined || connection.idleSinceMs > idleSinceMs || connection.pendingWrites > 0) continue;
      if (connection.closeIdle()) this.#thread.metrics.refused('idle');
    }
  }

  close(): void {
    this.#source?.close();
    this.#tls?.close();
    for (let last = this.#connections.at(-1); last !== undefined; last = this.#connections.at(-1)) last.destroy();
  }
}
