import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TLSSocketOptions } from 'node:tls';
import type { TlsConfig } from '../../../../shared/config/types.ts';
import type { TlsMaterial } from '../../../../shared/tls/material.ts';
import { createTlsContexts } from './tls-contexts.ts';
import type { TicketKeys, TlsContexts } from './tls-contexts.ts';

/** Why a handshake came to nothing. `full`: too many were under way; `broken`: not TLS, or nothing in common. */
export type HandshakeFailure = 'timeout' | 'full' | 'left' | 'broken';

/** What is needed of a libuv TCP handle that was received; it is the acceptor's from then on. */
export interface ReceivedHandle {
  readStop(): number;
  close(callback?: () => void): void;
}

export interface TlsHandlers {
  /**
   * The handshake is over. The handle reads and writes plain bytes like that of a TCP connection, and may bring some as
   * soon as this returns, so `onread` is set in here. The socket is the owner: `destroy()` ends both, its `close` event
   * always comes (also after a broken record, which the handle does not tell).
   */
  onSecure(tlsHandle: object, tlsSocket: TLSSocket): void;
  /** Everything is closed already. Called once, never together with onSecure. */
  onFailed(reason: HandshakeFailure): void;
  /** What was read from the handle before, behind a PROXY header; copied. */
  readonly firstBytes?: Uint8Array;
}

/** Handshakes since the thread started. */
export interface HandshakeCounts {
  completed: number;
  /** Those of `completed` that took an earlier session up again. */
  resumed: number;
  readonly failed: Record<HandshakeFailure, number>;
}

/** Length and name, as the extension has it. */
const ALPN = Buffer.from('\x08http/1.1', 'latin1');

/** Makes the TLS side of connections that a thread is given. A bad client costs its own connection, never an event without listener. */
export class TlsAcceptor {
  readonly counts: HandshakeCounts = {
    completed: 0,
    resumed: 0,
    failed: { timeout: 0, full: 0, left: 0, broken: 0 },
  };
  readonly #underWay = new Set<TLSSocket>();
  readonly #tickets: TicketKeys;
  #config: TlsConfig;
  #contexts: TlsContexts;
  #options: TLSSocketOptions;

  /** @throws when OpenSSL refuses something; the front has tried it before */
  constructor(config: TlsConfig, material: TlsMaterial) {
    this.#config = config;
    this.#tickets = { keys: material.ticketKeys };
    this.#contexts = createTlsContexts(config, material, this.#tickets);
    this.#options = socketOptions(this.#contexts);
  }

  /** Handshakes under way. */
  get handshaking(): number {
    return this.#underWay.size;
  }

  get #isFull(): boolean {
    return this.#underWay.size >= this.#config.maxHandshakes;
  }

  /** Takes the handle over. Exactly one of the two handlers is called, later or, when there is no room, at once. */
  accept(handle: ReceivedHandle, handlers: TlsHandlers): void {
    if (this.#isFull) {
      handle.close();
      this.#fail('full', handlers);
      return;
    }
    handle.readStop(); // who has read a PROXY header left it reading, and starting twice is an error to node:net
    this.acceptSocket(new Socket({ handle } as object), handlers);
  }

  /** The same for a socket of node:net. */
  acceptSocket(socket: Socket, handlers: TlsHandlers): void {
    if (this.#isFull) {
      socket.destroy();
      this.#fail('full', handlers);
      return;
    }
    if (handlers.firstBytes !== undefined && handlers.firstBytes.length > 0) {
      socket.unshift(Buffer.from(handlers.firstBytes));
    }
    this.#shake(new TLSSocket(socket, this.#options), handlers);
  }

  /**
   * What handshakes from now on use; connections and handshakes under way keep what they have.
   * @throws when OpenSSL refuses something; then nothing has changed
   */
  reload(config: TlsConfig, material: TlsMaterial): void {
    this.#contexts = createTlsContexts(config, material, this.#tickets);
    this.#options = socketOptions(this.#contexts);
    this.#config = config;
    this.#tickets.keys = material.ticketKeys;
  }

  /** The first seals session tickets from now on, all open them. */
  setTicketKeys(keys: readonly Uint8Array[]): void {
    this.#tickets.keys = keys;
  }

  /** Ends the handshakes that are under way; connections that are through are not this class's any more. */
  close(): void {
    for (const socket of this.#underWay) socket.destroy();
  }

  #shake(socket: TLSSocket, handlers: TlsHandlers): void {
    let reason: HandshakeFailure = 'left';
    this.#underWay.add(socket);
    const timer = setTimeout(() => {
      reason = 'timeout';
      socket.destroy();
    }, this.#config.handshakeTimeoutMs);
    const onFailed = (): void => {
      clearTimeout(timer);
      this.#underWay.delete(socket);
      this.#fail(reason, handlers);
    };
    socket.on('error', (error) => {
      if (isTlsError(error)) reason = 'broken';
    });
    socket.once('close', onFailed);
    socket.once('secure', () => {
      clearTimeout(timer);
      socket.off('close', onFailed);
      this.#underWay.delete(socket);
      this.counts.completed++;
      if (socket.isSessionReused()) this.counts.resumed++;
      // Of a socket without a server, node:tls tells a broken record only this way, and keeps it open.
      socket.on('_tlsError', () => socket.destroy());
      handlers.onSecure((socket as unknown as { readonly _handle: object })._handle, socket);
    });
  }

  #fail(reason: HandshakeFailure, handlers: TlsHandlers): void {
    this.counts.failed[reason]++;
    handlers.onFailed(reason);
  }
}

function socketOptions({ first, byName }: TlsContexts): TLSSocketOptions {
  return {
    isServer: true,
    secureContext: first,
    ALPNProtocols: ALPN,
    ...(byName && { SNICallback: (name, done) => done(null, byName(name)) }),
  } satisfies TLSSocketOptions;
}

/** An error that OpenSSL found, rather than a connection that went away. */
const isTlsError = (error: Error & { readonly code?: string }): boolean => error.code?.startsWith('ERR_') === true;
