import { createServer } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';
import { peerAddress } from '../../../../shared/net/address.ts';
import type { FromFrontThread, ToFrontThread } from '../../../../shared/threads/protocol.ts';
import type { Peer } from './receiver.ts';

/** No row: the front does not know of the connection. */
const NO_ROW = -1;

export interface PublicListenerOptions {
  readonly post: (message: FromFrontThread) => void;
  /** Of this thread; asked anew each time. */
  readonly maxConnections: () => number;
  readonly onSocket: (socket: Socket, peer: Peer) => void;
  /** One too many; it is closed already. */
  readonly onRefused: () => void;
}

/** Listens in this thread, as the front says: where Node's own handles cannot be had. */
export class PublicListener {
  readonly #options: PublicListenerOptions;
  #server: Server | undefined;

  constructor(options: PublicListenerOptions) {
    this.#options = options;
  }

  receive(message: Extract<ToFrontThread, { readonly type: 'listen' | 'unlisten' }>): void {
    if (message.type === 'unlisten') this.close();
    else this.#listen(message);
  }

  /** Accepts no more, and says so; connections go on. Idempotent. */
  close(): void {
    const server = this.#server;
    this.#server = undefined;
    server?.close(); // its callback waits for connections too
    this.#options.post({ type: 'unlistened' });
  }

  #listen({ host, port, reusePort }: { host: string; port: number; reusePort: boolean }): void {
    const { post, onSocket, onRefused, maxConnections } = this.#options;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      server.maxConnections = maxConnections();
      const { remoteAddress, remotePort = 0 } = socket;
      if (remoteAddress === undefined) socket.destroy(); // gone already
      else onSocket(socket, { index: NO_ROW, address: peerAddress(remoteAddress), port: remotePort });
    });
    server.maxConnections = maxConnections();
    server.on('drop', onRefused);
    server.once('error', (error: NodeJS.ErrnoException) =>
      post({ type: 'listen-failed', code: error.code ?? 'unknown' }),
    );
    // exclusive: not the cluster module's. `reusePort` came with Node 23.1.
    const options: ListenOptions & { reusePort: boolean } = { host, port, backlog: 1_024, exclusive: true, reusePort };
    server.listen(options, () => {
      const bound = server.address();
      post({ type: 'listened', port: typeof bound === 'object' ? (bound?.port ?? 0) : 0 });
    });
    this.#server = server;
  }
}
