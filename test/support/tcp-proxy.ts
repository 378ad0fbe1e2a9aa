import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** A TCP proxy that can be cut: connections are reset and new ones refused until it is mended. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  cut(): void;
  /** Keeps connections and passes nothing on, like a network that drops packets. */
  stall(): void;
  /** Passes everything on so much later, each way. */
  delay(ms: number): void;
  mend(): void;
  /**
   * What is connected now passes nothing on any more and is told nothing; new connections work.
   * @param which by what its client has sent so far; all of them without it
   */
  strand(which?: (sent: string) => boolean): void;
  /** Of the stranded connections, those that the client has not given up. */
  stranded(): number;
  /** All that clients have sent, also what did not get through (latin1). */
  sent(): string;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  /** What each has sent. */
  const clients = new Map<Socket, string>();
  const lost = new Set<Socket>();
  let sent = '';
  let delayMs = 0;
  let state: 'open' | 'cut' | 'stalled' = 'open';
  const server = createServer((client) => {
    if (state === 'cut') return client.destroy();
    const target = connect(targetPort, '127.0.0.1');
    clients.set(client, '');
    client.on('close', () => {
      clients.delete(client);
      lost.delete(client);
    });
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (from === client) {
          sent += chunk.toString('latin1');
          clients.set(client, clients.get(client) + chunk.toString('latin1'));
        }
        if (state !== 'open' || lost.has(client)) return;
        if (delayMs === 0) to.write(chunk);
        else setTimeout(() => to.destroyed || lost.has(client) || to.write(chunk), delayMs);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        if (from === client || !lost.has(client)) to.destroy();
      });
    }
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut() {
      state = 'cut';
      destroyAll();
    },
    stall() {
      state = 'stalled';
    },
    delay(ms) {
      delayMs = ms;
    },
    mend() {
      if (state === 'stalled') destroyAll();
      state = 'open';
    },
    strand(which = () => true) {
      for (const [client, text] of clients) if (which(text)) lost.add(client);
    },
    stranded: () => lost.size,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}
