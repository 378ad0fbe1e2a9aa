import { Agent, request } from 'node:http';
import { expect } from 'vitest';
import { quietFor, until } from '../support/wait.ts';

/** What a busy machine adds to most requests, and to a single one. */
const BUSY_MS = 100;
const LATE_MS = 2_500;

/** One request as its client saw it; times in milliseconds of the monotonic clock. */
export interface Sample {
  readonly sentMs: number;
  readonly endMs: number;
  /** 0 = no whole answer came. */
  readonly status: number;
  readonly retryAfter: string | undefined;
}

export interface SteadyLoadOptions {
  /** Clients take them in turn. */
  readonly ports: readonly number[];
  readonly path?: string;
  readonly clients?: number;
  /** Between an answer and the client's next request. */
  readonly paceMs?: number;
}

export interface SteadyLoad extends AsyncDisposable {
  /** Every request that is over. */
  readonly samples: readonly Sample[];
  /** Runs for so long and resolves with the requests that were sent in that time and are over. */
  during(ms: number): Promise<readonly Sample[]>;
  /** Runs `what` and resolves with the requests that were sent meanwhile, after they are over. */
  while(what: () => Promise<unknown>): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

/** So many of a hundred took no longer, milliseconds. */
export function percentileMs(samples: readonly Sample[], percent: number): number {
  const ascending = samples.map(({ sentMs, endMs }) => endMs - sentMs).sort((a, b) => a - b);
  return ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * percent) / 100))] ?? 0;
}

/**
 * Nobody waited for Redis: beside the deadline most took no longer than without a fault, and none as long as a fault
 * lasts. A single one may be late on any machine.
 * @param normal the same load without a fault
 */
export function expectPrompt(
  samples: readonly Sample[],
  { normal, timeoutMs }: { readonly normal: readonly Sample[]; readonly timeoutMs: number },
): void {
  expect(samples.length).toBeGreaterThan(5);
  expect(samples.filter(({ status }) => status !== 200)).toEqual([]);
  expect(percentileMs(samples, 80)).toBeLessThan(3 * percentileMs(normal, 95) + timeoutMs + BUSY_MS);
  expect(percentileMs(samples, 100)).toBeLessThan(LATE_MS);
}

function exchange(agent: Agent, port: number, path: string): Promise<Sample> {
  const sentMs = performance.now();
  return new Promise((resolve) => {
    const over = (status: number, retryAfter?: string): void =>
      resolve({ sentMs, endMs: performance.now(), status, retryAfter });
    const req = request({ host: '127.0.0.1', port, path, agent }, (res) => {
      res.resume();
      res.on('error', () => over(0));
      res.on('end', () => over(res.statusCode ?? 0, res.headers['retry-after']));
    });
    req.on('error', () => over(0));
    req.end();
  });
}

/** Clients with kept-alive connections, each with one request after the other. */
export function startSteadyLoad(options: SteadyLoadOptions): SteadyLoad {
  const { ports, path = '/proxy/ok', clients = 6, paceMs = 4 } = options;
  const samples: Sample[] = [];
  let running = true;
  const client = async (number: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (running) {
      samples.push(await exchange(agent, ports[number % ports.length] ?? 0, path));
      if (paceMs > 0) await quietFor(paceMs, 'what a client leaves between its requests');
    }
    agent.destroy();
  };
  const loops = Array.from({ length: clients }, (_, number) => client(number));
  const during = async (what: () => Promise<unknown>): Promise<readonly Sample[]> => {
    const fromMs = performance.now();
    await what();
    const toMs = performance.now();
    // Each client ends its request before it sends another: when as many more are over, none from then is under way.
    const enough = samples.length + 2 * clients;
    await until(() => !running || samples.length >= enough);
    return samples.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
  };
  const stop = async (): Promise<void> => {
    running = false;
    await Promise.all(loops);
  };
  return {
    samples,
    during: (ms) => during(() => quietFor(ms, 'the load goes on')),
    while: during,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
