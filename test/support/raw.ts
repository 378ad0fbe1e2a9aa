import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { alarm, PATIENCE_MS } from './wait.ts';

/**
 * A connection where every byte is ours and every byte that comes back is kept (as latin1, one character a byte). Times it
 * waits are served time (wait.ts), so that a busy machine is no failure.
 */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  received(): string;
  send(text: string | Buffer): void;
  /** Resolves with everything received once it holds `part` (or matches); fails after `timeoutMs`. */
  until(part: string | RegExp, timeoutMs?: number): Promise<string>;
  /** Resolves when what was received satisfies `holds`; fails when the other side closes before, or after `timeoutMs`. */
  when(
    holds: (received: string) => boolean,
    options?: { readonly name?: string; readonly timeoutMs?: number },
  ): Promise<string>;
  /** Resolves with everything received when the other side has closed. */
  closed(timeoutMs?: number): Promise<string>;
}

/** Wraps a socket of either side. */
function rawConnection(socket: Socket): RawConnection {
  let text = '';
  let over = false;
  const waiters = new Set<() => void>();
  const wake = (): void => {
    for (const each of waiters) each();
  };
  socket.on('data', (data) => {
    text += data.toString('latin1');
    wake();
  });
  socket.on('error', () => undefined); // seen as closed
  socket.on('close', () => {
    over = true;
    wake();
  });
  const wait = (done: () => boolean, what: { readonly name: string; readonly timeoutMs: number }): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!done()) return;
        waiters.delete(look);
        putOff();
        resolve(text);
      };
      const putOff = alarm(what.timeoutMs, () => {
        waiters.delete(look);
        reject(new Error(`no ${what.name} within ${what.timeoutMs} ms; received ${JSON.stringify(text)}`));
      });
      waiters.add(look);
      look();
    });
  return {
    socket,
    received: () => text,
    send: (data) => void (typeof data === 'string' ? socket.write(data, 'latin1') : socket.write(data)),
    until: (part, timeoutMs = PATIENCE_MS) =>
      wait(() => (typeof part === 'string' ? text.includes(part) : part.test(text)) || over, {
        name: String(part),
        timeoutMs,
      }).then((all) => {
        if (typeof part === 'string' ? all.includes(part) : part.test(all)) return all;
        throw new Error(`closed without ${String(part)}; received ${JSON.stringify(all)}`);
      }),
    when: async (holds, options = {}) => {
      const { name = 'what was waited for', timeoutMs = PATIENCE_MS } = options;
      await wait(() => holds(text) || over, { name, timeoutMs });
      if (holds(text)) return text;
      throw new Error(`closed without ${name}; received ${JSON.stringify(text)}`);
    },
    closed: (timeoutMs = PATIENCE_MS) => wait(() => over, { name: 'close', timeoutMs }),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** A raw client connected to a port of this machine. @param localAddress whom it is, where that matters: `127.0.0.x` */
export async function rawClient(port: number, localAddress = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  await once(socket, 'connect');
  return rawConnection(socket);
}

/** The same over TLS; resolves once the client believes the handshake to be over, rejects when that fails. */
export async function rawTlsClient(
  port: number,
  options: ConnectionOptions & { readonly localAddress?: string } = {},
): Promise<RawConnection & { readonly socket: TLSSocket }> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options } as ConnectionOptions);
  await once(socket, 'secureConnect');
  return { ...rawConnection(socket), socket };
}

export interface RawUpstream extends AsyncDisposable {
  readonly port: number;
  /** Every connection it has accepted, in order. */
  readonly connections: RawConnection[];
  /** From now on connections are refused; those that stand go on. */
  stopListening(): void;
  /** Resolves with the n-th connection (from 0), now or when it comes. */
  connection(n: number, timeoutMs?: number): Promise<RawConnection>;
}

/** A raw server: `onData` runs for each piece that arrives, or the test drives `connections` itself. */
export async function rawUpstream(onData?: (connection: RawConnection, data: Buffer) => void): Promise<RawUpstream> {
  const connections: RawConnection[] = [];
  const waiters = new Set<() => void>();
  const server = createServer((socket) => {
    const connection = rawConnection(socket);
    connections.push(connection);
    if (onData !== undefined) socket.on('data', (data) => onData(connection, data));
    for (const each of waiters) each();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    stopListening: () => void server.close(),
    connection: (n, timeoutMs = PATIENCE_MS) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = connections[n];
          if (found === undefined) return;
          waiters.delete(look);
          putOff();
          resolve(found);
        };
        const putOff = alarm(timeoutMs, () => {
          waiters.delete(look);
          reject(new Error(`connection ${n} did not come within ${timeoutMs} ms`));
        });
        waiters.add(look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) connection.socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
