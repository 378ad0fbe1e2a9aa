/** What the tests use of `ws`, which has no types of its own. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage, Server } from 'node:http';
  import type { Duplex, Writable } from 'node:stream';

  export interface SendOptions {
    readonly binary?: boolean;
    readonly compress?: boolean;
    readonly fin?: boolean;
  }

  export interface ClientOptions {
    readonly headers?: Readonly<Record<string, string>>;
    readonly origin?: string;
    readonly perMessageDeflate?: boolean | { readonly threshold?: number };
    readonly rejectUnauthorized?: boolean;
    readonly protocolVersion?: number;
    readonly maxPayload?: number;
    readonly autoPong?: boolean;
    readonly skipUTF8Validation?: boolean;
  }

  export class WebSocket extends EventEmitter {
    constructor(url: string, protocols?: readonly string[], options?: ClientOptions);
    readonly readyState: number;
    readonly protocol: string;
    readonly extensions: string;
    readonly bufferedAmount: number;
    binaryType: string;
    /** Internal. */
    readonly _socket: Duplex;
    send(data: string | Uint8Array, options?: SendOptions, done?: (error?: Error) => void): void;
    ping(data?: string | Uint8Array): void;
    pong(data?: string | Uint8Array): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
    pause(): void;
    resume(): void;
  }

  export interface ServerOptions {
    readonly noServer: true;
    readonly perMessageDeflate?: boolean | { readonly threshold?: number };
    readonly handleProtocols?: (offered: Set<string>) => string | false;
    readonly maxPayload?: number;
    readonly autoPong?: boolean;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: ServerOptions);
    readonly clients: Set<WebSocket>;
    // oxlint-disable-next-line max-params -- it is ws's
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (socket: WebSocket, request: IncomingMessage) => void,
    ): void;
  }

  export interface ReceiverOptions {
    readonly isServer: boolean;
    readonly maxPayload: number;
    readonly skipUTF8Validation: boolean;
    /** Several events in one turn of the loop. */
    readonly allowSynchronousEvents: boolean;
  }

  /** Reads frames: emits message, ping, pong, conclude (a close frame) and error. */
  export const Receiver: new (options: ReceiverOptions) => Writable;

  export type { IncomingMessage, Server };
}
