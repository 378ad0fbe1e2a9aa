import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readConfig } from '../../src/shared/config/read-config.ts';
import { createHealthMemory } from '../../src/shared/health/memory.ts';
import { createLog } from '../../src/shared/log.ts';
import type { Acceptor } from '../../src/primary/front/acceptor.ts';
import { openFront } from '../../src/primary/front/open-front.ts';
import { MetricMemory } from '../../src/primary/metrics/metric-memory.ts';
import { ConcurrencyControl } from '../../src/primary/upstreams/concurrency-control.ts';
import { RequestThreads, slotsFor } from '../../src/primary/threads/request-threads.ts';
import { ThreadSet } from '../../src/primary/threads/thread-set.ts';
import { DegradedReasons } from '../../src/primary/traffic/degraded-reasons.ts';
import { TrafficControl } from '../../src/primary/traffic/traffic-control.ts';
import { alarm, PATIENCE_MS } from '../support/wait.ts';

export const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');
const NEVER_MS = 20_000;

export interface TestFront extends AsyncDisposable {
  readonly acceptor: Acceptor;
  readonly threads: RequestThreads;
  readonly port: number;
  /** Opens the gate that a stuck thread waits at. */
  go(): void;
  /** A thread waits at it. */
  isStuck(): boolean;
}

/** A front as the gateway composes it, with threads that give one fixed answer (thread.mjs). */
export async function startFront(env: Readonly<Record<string, string>> = {}): Promise<TestFront> {
  const read = readConfig({ FRONT: 'native', UPSTREAM_URL: 'http://127.0.0.1:1', WORKERS: '2', ...env }, () => '');
  if (!read.ok) throw new Error('the test configuration is bad');
  const { config } = read;
  const log = createLog({ level: 'silent', name: 'test' });
  const slots = slotsFor(config.server.workers);
  const gate = new SharedArrayBuffer(8);
  const threadSet = new ThreadSet();
  const acceptor = await openFront({
    config,
    slots,
    log,
    events: { add: () => {} },
    send: (slot, message) => threadSet.tellSlot(slot, { to: 'front', ...message }),
    onDegraded: () => {},
  });
  const control = new TrafficControl({
    config,
    log,
    connections: undefined,
    info: () => ({ name: 'test', version: '0', started: '', threads: 1, address: '' }),
    threads: threadSet,
    degraded: new DegradedReasons(threadSet),
  });
  const threads = new RequestThreads({
    entry: pathToFileURL(resolve(import.meta.dirname, 'thread.mjs')),
    threads: threadSet,
    workers: config.server.workers,
    active: () => ({ config, version: 1, tls: undefined }),
    acceptor: {
      kind: acceptor.kind,
      ring: acceptor.ring,
      forThread: (slot) => Object.assign(acceptor.forThread(slot), { dist: DIST, gate }),
      threadGone: (slot) => acceptor.threadGone(slot),
      receive: (slot, message) => acceptor.receive(slot, message),
    },
    control,
    metrics: new MetricMemory(slots, config),
    upstreams: { receive: () => {}, threadGone: () => {} },
    keys: { receive: () => {} },
    maintenance: { forThread: () => [], receive: () => {} },
    targetSets: { current: () => new Map() },
    concurrency: new ConcurrencyControl(slots, config),
    drains: { current: () => [] },
    splits: { current: () => [] },
    health: { forThread: () => ({ memory: createHealthMemory(0), places: new Map() }), places: () => new Map() },
    jwks: { forThread: () => [], receive: () => {} },
    log,
  });
  const serving = (): number => threads.all().filter(({ state }) => state.kind === 'serving').length;
  if (!(await threads.until(() => serving() === config.server.workers, NEVER_MS))) throw new Error('no threads');
  const port = await acceptor.listen('127.0.0.1', 0);
  const go = (): void => {
    new Int32Array(gate)[0] = 1;
    Atomics.notify(new Int32Array(gate), 0);
  };
  return {
    acceptor,
    threads,
    port,
    go,
    isStuck: () => new Int32Array(gate)[1] === 1,
    async [Symbol.asyncDispose]() {
      go();
      acceptor.close();
      threads.abort();
      await threads.until(() => threads.all().length === 0, NEVER_MS);
      threads.close();
      await control.close();
    },
  };
}

/** A client's connection that collects what comes. */
export class Client {
  readonly socket: Socket;
  text = '';
  closed = false;
  readonly #looks = new Set<() => void>();

  constructor(port: number, host = '127.0.0.1', localAddress?: string) {
    this.socket = connect({ port, host, ...(localAddress === undefined ? {} : { localAddress }) });
    this.socket.on('data', (data) => this.#changed(data.toString('latin1')));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.#changed('');
    });
  }

  #changed(text: string): void {
    this.text += text;
    for (const look of this.#looks) look();
  }

  /** Waits until what came, or the end, satisfies the condition. */
  until(condition: (client: Client) => boolean, what = 'an answer'): Promise<this> {
    return new Promise((found, failed) => {
      const putOff = alarm(PATIENCE_MS, () =>
        failed(new Error(`not in time: ${what}; got ${JSON.stringify(this.text)}`)),
      );
      const look = (): void => {
        if (!condition(this)) return;
        putOff();
        this.#looks.delete(look);
        found(this);
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Sends the word and resolves with the body of the answer. */
  async ask(word = 'x'): Promise<string> {
    this.text = '';
    this.socket.write(`GET /${word} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await this.until(({ text, closed }) => text.includes('\r\n\r\n') || closed, word);
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4);
  }

  connected(): Promise<this> {
    return this.socket.connecting
      ? new Promise((done) => this.socket.once('connect', () => done(this)))
      : Promise.resolve(this);
  }

  close(): void {
    this.socket.destroy();
  }
}
