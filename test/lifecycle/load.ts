import { Agent, request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { quietFor, until } from '../support/wait.ts';

/** An answer, whole. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The connection had carried a request before. */
  readonly reused: boolean;
}

/** Sends one request and resolves with the whole answer; rejects when it does not come whole. */
export function send(port: number, options: RequestOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, agent: false, ...options }, (res) => {
      let body = '';
      res.setEncoding('latin1');
      res.on('data', (piece: string) => (body += piece));
      res.on('error', reject);
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body, reused: req.reusedSocket }),
      );
    });
    req.on('error', reject);
    req.end();
  });
}

export interface LoadOptions {
  /** Gateways; a client goes on to the next when it is told to close, or when a port takes no connection. */
  readonly ports: readonly number[];
  readonly path: string;
  readonly clients?: number;
  /** A connection for every request instead of kept-alive ones. */
  readonly newConnections?: boolean;
}

export interface Load extends AsyncDisposable {
  /** Exchanges that ended with a 2xx. */
  readonly done: number;
  /** Connections that the gateway asked to close. */
  readonly sentAway: number;
  /** Everything else that happened to a request that reached a gateway. */
  readonly failures: readonly string[];
  /** Resolves when so many more exchanges have been answered with 2xx. */
  more(count: number, withinMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds between an answer and the next request of a client: two cores carry all of this. */
const PACE_MS = 3;

const isRefused = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';

/** Clients that keep their connections, send one request after the other and never try one again. */
export function startLoad({ ports, path, clients = 8, newConnections = false }: LoadOptions): Load {
  const state = { running: true, done: 0, sentAway: 0 };
  const failures: string[] = [];
  const client = async (first: number): Promise<void> => {
    const agent = new Agent({ keepAlive: !newConnections, maxSockets: 1 });
    let at = first;
    while (state.running) {
      try {
        const reply = await send(ports[at % ports.length] ?? 0, { path, agent });
        if (reply.status < 300) state.done++;
        else failures.push(`status ${reply.status} ${reply.body}`);
        if (reply.headers.connection === 'close' && !newConnections) {
          state.sentAway++;
          at++;
        }
      } catch (error) {
        // A connection that was refused has carried no request: a balancer takes another gateway.
        if (isRefused(error) && ports.length > 1) at++;
        else failures.push(String(error));
      }
      await quietFor(PACE_MS, 'what a client leaves between its requests');
    }
    agent.destroy();
  };
  const loops = Array.from({ length: clients }, (_, i) => client(i));
  const stop = async (): Promise<void> => {
    state.running = false;
    await Promise.all(loops);
  };
  return {
    get done() {
      return state.done;
    },
    get sentAway() {
      return state.sentAway;
    },
    failures,
    more: async (count, withinMs = 10_000) => {
      const goal = state.done + count;
      const describe = (): string => `${goal - state.done} of ${count} exchanges missing: ${failures.join('; ')}`;
      await until(() => state.done >= goal, { withinMs, describe });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Exchanges in flight and open client connections, as `/admin/status` has them: at most 50 ms old. */
export async function counts(adminPort: number): Promise<{ readonly inFlight: number; readonly connections: number }> {
  const { body } = await send(adminPort, { path: '/admin/status' });
  const { threads } = JSON.parse(body) as { threads: { inFlight: number; openConnections: number }[] };
  return {
    inFlight: threads.reduce((sum, thread) => sum + thread.inFlight, 0),
    connections: threads.reduce((sum, thread) => sum + thread.openConnections, 0),
  };
}
