import type { TcpNetConnectOpts } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from './connection.ts';
import type { Outcome } from './connection.ts';
import type { LoadPlan, LoadRequest, LoadResult } from './plan.ts';
import { Tally } from './tally.ts';

/** Requests become due in steps of so long: a timer cannot do better without burning a core. */
const TICK_MS = 1;
const TIMEOUT_MS = 10_000;
const LOOK_MS = 50;
/** How long the first connections may take to open before the run begins anyway. */
const OPENING_MS = 1000;

interface Exchange {
  readonly dueMs: number;
  readonly connection: Connection;
}

/** The bytes of request number `index`, counted from 0. */
export function requestBytes(request: LoadRequest, url: URL, index: number): Buffer {
  const { method, headers = {}, rotated, requestBody } = request;
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (rotated !== undefined) fields.push(`${rotated.header}: client-${(index % rotated.count) + 1}\r\n`);
  if (requestBody !== undefined) fields.push(`Content-Length: ${Buffer.byteLength(requestBody)}\r\n`);
  const head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${fields.join('')}\r\n`;
  return Buffer.from(head + (requestBody ?? ''));
}

/**
 * Sends `ratePerSecond` requests a second whether or not answers come back, first come first served over the free
 * connections. A latency counts from the moment the request was due, so a server that stalls pays for every request it
 * kept from being sent: nothing is left out (coordinated omission).
 */
export class OpenLoop {
  readonly #plan: LoadPlan;
  readonly #ratePerMs: number;
  readonly #timeoutMs: number;
  readonly #requests: readonly Buffer[];
  readonly #connections: readonly Connection[];
  /** First come first served; one that was closed while idle is skipped. */
  readonly #free = new Set<Connection>();
  /** When the requests that no connection was free for were due; `#nextWaiting` is the first of them. */
  readonly #waiting: number[] = [];
  readonly #exchanges = new Set<Exchange>();
  #nextWaiting = 0;
  #sent = 0;
  #due = 0;
  #tally: Tally | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#ratePerMs = (plan.ratePerSecond ?? 0) / 1000;
    this.#timeoutMs = plan.timeoutMs ?? TIMEOUT_MS;
    const urls = [plan.url, ...(plan.moreUrls ?? [])].map((url) => new URL(url));
    const [first = new URL(plan.url)] = urls;
    const count = plan.request.rotated?.count ?? 1;
    this.#requests = Array.from({ length: count }, (_, i) => requestBytes(plan.request, first, i));
    const targets = urls.map(({ hostname, port }) => ({ host: hostname, port: Number(port === '' ? 80 : port) }));
    const { fromAddresses = [] } = plan;
    const targetOf = (i: number): TcpNetConnectOpts => {
      const target = targets[i % targets.length] ?? { host: '', port: 0 };
      const localAddress = fromAddresses[i % fromAddresses.length];
      return localAddress === undefined ? target : { ...target, localAddress };
    };
    const free = (connection: Connection): void => this.#take(connection);
    this.#connections = Array.from({ length: plan.connections }, (_, i) => new Connection(targetOf(i), free));
  }

  /** Resolves when the time is over and what was under way has been answered or given up. */
  async run(started: () => void): Promise<LoadResult> {
    const openingEndsMs = performance.now() + OPENING_MS;
    while (this.#free.size < this.#connections.length && performance.now() < openingEndsMs) await delay(TICK_MS);
    return await new Promise((resolve) => {
      const startedMs = performance.now();
      const tally = new Tally(this.#plan, startedMs);
      this.#tally = tally;
      started();
      const endMs = startedMs + this.#plan.seconds * 1000;
      const ticks = setInterval(() => this.#tick(startedMs, endMs), TICK_MS);
      const looks = setInterval(() => {
        this.#giveUp();
        const open = this.#exchanges.size > 0 || this.#nextWaiting < this.#waiting.length;
        const nowMs = performance.now();
        if (nowMs < endMs || (open && nowMs < endMs + this.#timeoutMs)) return;
        clearInterval(ticks);
        clearInterval(looks);
        for (const connection of this.#connections) connection.close();
        // Those still waiting were never sent: the server had no connection free for them.
        for (let i = this.#nextWaiting; i < this.#waiting.length; i++) tally.failed(nowMs);
        resolve({ ...tally.result(nowMs), seconds: this.#plan.seconds });
      }, LOOK_MS);
    });
  }

  /** Sends what has become due. */
  #tick(startedMs: number, endMs: number): void {
    const nowMs = performance.now();
    const due = Math.floor((Math.min(nowMs, endMs) - startedMs) * this.#ratePerMs);
    for (; this.#due < due; this.#due++) {
      // A tick that comes in time is when it was meant to leave; one that comes late does not excuse anybody.
      const dueMs = Math.min(nowMs, startedMs + (this.#due + 1) / this.#ratePerMs + TICK_MS);
      const connection = this.#pick();
      if (connection === undefined) this.#waiting.push(dueMs);
      else {
        this.#tally?.late(nowMs - dueMs);
        this.#send(connection, dueMs);
      }
    }
  }

  #pick(): Connection | undefined {
    for (const connection of this.#free) {
      this.#free.delete(connection);
      if (connection.open) return connection;
    }
    return undefined;
  }

  /** A connection is free: for the request that waits longest, or for later. */
  #take(connection: Connection): void {
    const dueMs = this.#waiting[this.#nextWaiting];
    if (dueMs === undefined) {
      this.#free.add(connection);
      return;
    }
    this.#nextWaiting++;
    this.#send(connection, dueMs);
  }

  #send(connection: Connection, dueMs: number): void {
    const request = this.#requests[this.#sent++ % this.#requests.length];
    const exchange: Exchange = { dueMs, connection };
    this.#exchanges.add(exchange);
    if (request !== undefined) connection.send(request, (outcome) => this.#done(exchange, outcome));
  }

  #done(exchange: Exchange, outcome: Outcome): void {
    const nowMs = performance.now();
    this.#exchanges.delete(exchange);
    if (outcome.kind === 'answered') {
      this.#tally?.answered(outcome.status, Math.max(0, nowMs - exchange.dueMs), nowMs);
    } else this.#tally?.failed(nowMs);
  }

  #giveUp(): void {
    const lastMs = performance.now() - this.#timeoutMs;
    for (const { dueMs, connection } of this.#exchanges) if (dueMs < lastMs) connection.abort();
  }
}
