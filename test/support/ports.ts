import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

async function listenOn(server: Server, port: number): Promise<Listening> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Has a server listen on a free port of this machine; connections that are open end by themselves. */
export const listening = (server: Server): Promise<Listening> => listenOn(server, 0);

/** A port of this machine that somebody else listens on. */
export const takenPort = (): Promise<Listening> => listening(createServer((socket) => socket.destroy()));

/**
 * Below those that a system gives out (Linux 32768, others 49152): of these some are taken every millisecond, by other
 * tests and for connections, and one who tries to connect to such a port until somebody listens may meet himself.
 */
const FIRST_PORT = 10_000;
const PORTS = 22_000;
/** Each process has a beginning of its own, so that hardly two are at the same port at a time. */
let next = Math.floor(Math.random() * PORTS);

/** A port where nobody listens, and which nobody is given by chance: also for what goes and must come back on it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + next;
    next = (next + 1) % PORTS;
    try {
      await using free = await listenOn(createServer(), port);
      return free.port;
    } catch {
      // Somebody has it: the next one.
    }
  }
}
