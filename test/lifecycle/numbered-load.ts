import { Agent, request } from 'node:http';
import { setTimeout as rest } from 'node:timers/promises';
import { httpUpstream } from '../support/upstreams.ts';
import { until } from '../support/wait.ts';

/** Sends requests that each have a number of their own, half of them POSTs, over kept connections; none is sent again. */
export interface NumberedLoad extends AsyncDisposable {
  readonly done: number;
  /** What became of requests that were not answered with 200. */
  readonly failures: readonly string[];
  /** Resolves when so many more have been answered with 200. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** An upstream that counts how often each number came. */
export interface CountingUpstream extends AsyncDisposable {
  readonly port: number;
  /** Numbers of requests that came whole, each as often as it came. */
  readonly arrivals: ReadonlyMap<string, number>;
}

/** 1 KB. */
const BODY = Buffer.alloc(1_024, 'b');
/** What a client leaves between an answer and its next request. */
const PACE_MS = 20;
/** So many clients send 500 requests a second, where the machine has time for them. */
const CLIENTS = 12;

export async function countingUpstream(): Promise<CountingUpstream> {
  const arrivals = new Map<string, number>();
  const server = await httpUpstream((req, res) => {
    const number = req.headers['x-number'];
    req.resume().once('end', () => {
      // What has no number is somebody else's, who thinks that this port is still another's.
      if (typeof number === 'string') arrivals.set(number, (arrivals.get(number) ?? 0) + 1);
      res.end('ok');
    });
  });
  return { port: server.port, arrivals, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** One request. @returns its status, or what went wrong */
function send(port: number, agent: Agent, number: number): Promise<string> {
  const isPost = number % 2 === 0;
  return new Promise((resolve) => {
    const req = request({
      host: '127.0.0.1',
      port,
      agent,
      path: '/proxy/numbered',
      method: isPost ? 'POST' : 'GET',
      headers: { 'x-number': number, ...(isPost ? { 'content-length': BODY.length } : {}) },
    });
    req.on('error', (error) => resolve(String(error)));
    req.on('response', (res) => {
      res.resume();
      res.on('error', (error) => resolve(String(error)));
      res.on('end', () => resolve(String(res.statusCode)));
    });
    req.end(isPost ? BODY : undefined);
  });
}

/** @param port of a proxy, or of a gateway whose socket is another's */
export function numberedLoad(port: number, { clients = CLIENTS }: { readonly clients?: number } = {}): NumberedLoad {
  const state = { running: true, done: 0, next: 0 };
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (state.running) {
      const number = ++state.next;
      const end = await send(port, agent, number);
      if (end === '200') state.done++;
      else failures.push(`${number % 2 === 0 ? 'POST' : 'GET'} ${number}: ${end}`);
      await rest(PACE_MS);
    }
    agent.destroy();
  };
  const loops = Array.from({ length: clients }, client);
  const stop = async (): Promise<void> => {
    state.running = false;
    await Promise.all(loops);
  };
  return {
    get done() {
      return state.done;
    },
    failures,
    more: async (count) => {
      const goal = state.done + count;
      await until(() => state.done >= goal, { describe: () => failures.slice(0, 10) });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
