import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { ClientOptions, ServerOptions } from 'ws';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { CertificateFiles } from '../support/certificates.ts';
import { until } from '../support/wait.ts';

/** What a peer has seen, in order. */
export interface Seen {
  readonly messages: (string | Buffer)[];
  readonly pings: string[];
  readonly pongs: string[];
  /** Code and reason of the end; 1006 = without a close frame. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly errors: string[];
}

/** A `ws` socket, either side's, that keeps what it sees. */
export interface Peer {
  readonly socket: WebSocket;
  readonly seen: Seen;
  /** Resolves when it has so many messages. */
  got(count: number): Promise<readonly (string | Buffer)[]>;
  /** Resolves with how it ended. */
  ended(): Promise<{ readonly code: number; readonly reason: string }>;
}

export function watch(socket: WebSocket): Peer {
  const seen: Seen = { messages: [], pings: [], pongs: [], closed: undefined, errors: [] };
  socket.on('message', (data: Buffer, isBinary: boolean) => seen.messages.push(isBinary ? data : data.toString()));
  socket.on('ping', (data: Buffer) => seen.pings.push(data.toString()));
  socket.on('pong', (data: Buffer) => seen.pongs.push(data.toString()));
  socket.on('error', (error: Error) => seen.errors.push(error.message));
  socket.on('close', (code: number, reason: Buffer) => (seen.closed = { code, reason: reason.toString() }));
  return {
    socket,
    seen,
    got: async (count) => {
      await until(() => seen.messages.length >= count, { describe: () => [seen.messages.length, seen.closed] });
      return seen.messages;
    },
    ended: async () => {
      await until(() => seen.closed !== undefined, { describe: () => seen.messages.length });
      return seen.closed as NonNullable<Seen['closed']>;
    },
  };
}

export interface SocketUpstream extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Of each handshake, in order. */
  readonly requests: IncomingMessage[];
  /** Every socket that was opened. */
  readonly peers: Peer[];
  peer(n: number): Promise<Peer>;
}

export interface UpstreamOptions extends Partial<ServerOptions> {
  readonly tls?: CertificateFiles;
  /** Sends back what comes. */
  readonly echo?: boolean;
  /** Runs with each socket that is opened. */
  readonly onPeer?: (peer: Peer) => void;
  /** Answers a request in place of the WebSocket server. @returns whether it has */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex) => boolean;
}

/** A server of `ws`. Requests without Upgrade get 200 and their path. */
export async function socketUpstream(options: UpstreamOptions = {}): Promise<SocketUpstream> {
  const { tls, echo, onPeer, onUpgrade, ...own } = options;
  const server =
    tls === undefined
      ? createServer()
      : createTlsServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) });
  const sockets = new WebSocketServer({ ...own, noServer: true });
  const requests: IncomingMessage[] = [];
  const peers: Peer[] = [];
  server.on('request', (request, response) => response.end(request.url));
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => undefined);
    requests.push(request);
    if (onUpgrade?.(request, socket) === true) return;
    sockets.handleUpgrade(request, socket, head, (opened) => {
      const peer = watch(opened);
      if (echo === true) opened.on('message', (data: Buffer, binary: boolean) => opened.send(data, { binary }));
      peers.push(peer);
      onPeer?.(peer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    peers,
    peer: async (n) => {
      await until(() => peers.length > n);
      return peers[n] as Peer;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of peers) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Opening {
  readonly protocols?: readonly string[];
  readonly options?: ClientOptions;
}

/** Opens a WebSocket; fails when that is refused. */
export async function open(url: string, { protocols = [], options = {} }: Opening = {}): Promise<Peer> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
  const peer = watch(socket);
  let isOpen = false;
  socket.once('open', () => (isOpen = true));
  await until(() => isOpen || peer.seen.closed !== undefined);
  if (!isOpen) throw new Error(peer.seen.errors.join());
  return peer;
}
