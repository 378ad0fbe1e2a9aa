import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Has a server listen on a free port of this machine; connections that are open end by themselves. */
export async function listening(server: Server): Promise<Listening> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port of this machine that somebody else listens on. */
export const takenPort = (): Promise<Listening> => listening(createServer((socket) => socket.destroy()));

/** A port that was free a moment ago, for what must come back on the same one. */
export async function freePort(): Promise<number> {
  await using taken = await takenPort();
  return taken.port;
}
