import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TLSSocketOptions } from 'node:tls';
import type { TlsConfig } from '../../../../shared/config/types.ts';
import type { TlsMaterial } from '../../../../shared/tls/material.ts';
import { createTlsContexts } from './tls-contexts.ts';
import type { TicketKeys, TlsContexts } from './tls-contexts.ts';

/**
 * Why a handshake came to nothing. `full`: too many were under way; `broken`: not TLS, or nothing in common; `untrusted`:
 * the client's certificate does not hold.
 */
export type HandshakeFailure = 'timeout' | 'full' | 'left' | 'broken' | 'untrusted';

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
  /** Everything is closed already. Called once, never together with onSecure. @param why OpenSSL's word for `untrusted` */
  onFailed(reason: HandshakeFailure, why?: string): void;
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
    failed: { timeout: 0, full: 0, left: 0, broken: 0, untrusted: 0 },
  };
  readonly #underWay = new Set<TLSSocket>();
  readonly #tickets: TicketKeys;
  #config: TlsConfig;
  #clientCa: string | undefined;
  #options: TLSSocketOptions;

  /** @throws when OpenSSL refuses something; the front has tried it before */
  constructor(config: TlsConfig, material: TlsMaterial) {
    this.#config = config;
    this.#tickets = { keys: material.ticketKeys };
    this.#clientCa = material.clientCa;
    this.#options = this.#optionsFor(config, material);
  }

  /** Clients are asked for a certificate. */
  get asksClients(): boolean {
    return this.#clientCa !== undefined;
  }

  /** Handshakes under way. */
  get handshaking(): number {
    return this.#underWay.size;
  }

  get #isFull(): boolean {
    return this.#underWay.size >= this.#config.maxHandshakes;
  }

  /**
   * Takes the handle over. Exactly one of the two handlers is called, later or, when there is no room, at once.
   * @returns the handshake, which `destroy` ends; `undefined`: no room
   */
  accept(handle: ReceivedHandle, handlers: TlsHandlers): TLSSocket | undefined {
    if (this.#isFull) {
      handle.close();
      this.#fail('full', handlers);
      return undefined;
    }
    handle.readStop(); // who has read a PROXY header left it reading, and starting twice is an error to node:net
    return this.acceptSocket(new Socket({ handle } as object), handlers);
  }

  /** The same for a socket of node:net. */
  acceptSocket(socket: Socket, handlers: TlsHandlers): TLSSocket | undefined {
    if (this.#isFull) {
      socket.destroy();
      this.#fail('full', handlers);
      return undefined;
    }
    if (handlers.firstBytes !== undefined && handlers.firstBytes.length > 0) {
      socket.unshift(Buffer.from(handlers.firstBytes));
    }
    const secured = new TLSSocket(socket, this.#options);
    this.#shake(secured, handlers);
    return secured;
  }

  /**
   * What handshakes from now on use; connections and handshakes under way keep what they have.
   * @throws when OpenSSL refuses something; then nothing has changed
   * @returns whether others are trusted now to issue certificates of clients: what connections have shown was not to them
   */
  reload(config: TlsConfig, material: TlsMaterial): boolean {
    this.#options = this.#optionsFor(config, material);
    this.#config = config;
    this.#tickets.keys = material.ticketKeys;
    const trustsOthers = this.#clientCa !== material.clientCa;
    this.#clientCa = material.clientCa;
    return trustsOthers;
  }

  #optionsFor(config: TlsConfig, material: TlsMaterial): TLSSocketOptions {
    return socketOptions(createTlsContexts(config, material, this.#tickets), material.clientCa !== undefined);
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
    let why: string | undefined;
    const clientCa = this.#clientCa;
    this.#underWay.add(socket);
    const timer = setTimeout(() => {
      reason = 'timeout';
      socket.destroy();
    }, this.#config.handshakeTimeoutMs);
    const onFailed = (): void => {
      clearTimeout(timer);
      this.#underWay.delete(socket);
      this.#fail(reason, handlers, why);
    };
    socket.on('error', (error) => {
      if (isTlsError(error)) reason = 'broken';
    });
    socket.once('close', onFailed);
    socket.once('secure', () => {
      why = clientCa === this.#clientCa ? certificateFault(socket, clientCa) : 'a reload has changed who is trusted';
      if (why !== undefined) {
        reason = 'untrusted';
        socket.destroy();
        return;
      }
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

  #fail(reason: HandshakeFailure, handlers: TlsHandlers, why?: string): void {
    this.counts.failed[reason]++;
    handlers.onFailed(reason, why);
  }
}

/** Node lets OpenSSL take every certificate, and says this afterwards; it is what its own server asks. */
interface VerifyingHandle {
  /** `null`: it holds. Where no certificate was shown it is an error too. */
  verifyError(): (Error & { readonly code?: string }) | null;
}

/** Why the client's certificate does not hold; `undefined`: it does, or none was shown. */
function certificateFault(socket: TLSSocket, clientCa: string | undefined): string | undefined {
  if (clientCa === undefined) return undefined;
  const error = (socket as unknown as { readonly _handle: VerifyingHandle })._handle.verifyError();
  if (!error || socket.getPeerX509Certificate() === undefined) return undefined;
  return error.code ?? error.message;
}

function socketOptions({ first, byName }: TlsContexts, asksClients: boolean): TLSSocketOptions {
  return {
    isServer: true,
    secureContext: first,
    ALPNProtocols: ALPN,
    // Rejecting is certificateFault's: of a socket without a server Node would only refuse clients that have none.
    ...(asksClients && { requestCert: true, rejectUnauthorized: false }),
    ...(byName && { SNICallback: (name, done) => done(null, byName(name)) }),
  } satisfies TLSSocketOptions;
}

/** An error that OpenSSL found, rather than a connection that went away. */
const isTlsError = (error: Error & { readonly code?: string }): boolean => error.code?.startsWith('ERR_') === true;
