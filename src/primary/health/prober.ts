import { Worker } from 'node:worker_threads';
import type { FromHealthThread, ProbeFinding, ProbeOrder, ToHealthThread } from '../../shared/health/messages.ts';
import { entryUrl } from '../../shared/threads/worker-url.ts';
import type { Log } from '../../shared/log.ts';
import type { NameCache } from '../names/name-cache.ts';

/** Probes under way at once: each is a descriptor and a port of this machine. */
const CONCURRENCY = 64;
/** More than the time-outs of the probes allow: then the thread is stuck, and another takes its place. */
const MARGIN_MS = 2_000;
/** A thread without work holds some megabytes. */
const IDLE_MS = 60_000;
/** What it does takes little; a target cannot make it take more. */
const HEAP_MB = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 } as const;

export interface ProberOptions {
  readonly names: Pick<NameCache, 'ask'>;
  readonly log: Pick<Log, 'error'>;
}

interface Flight {
  readonly id: number;
  readonly resolve: (findings: readonly ProbeFinding[]) => void;
  readonly reject: (error: Error) => void;
  readonly late: NodeJS.Timeout;
}

/**
 * The thread that probes, as the front has it. It has the gateway's own client, which the front has not, and a target that
 * answers nonsense without end keeps neither the front nor a request thread from its work. One sweep at a time.
 */
export class Prober {
  readonly #options: ProberOptions;
  #worker: Worker | undefined;
  #flight: Flight | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;
  #closed = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** A sweep is under way. */
  get busy(): boolean {
    return this.#flight !== undefined;
  }

  /**
   * Probes every target once. Ends within the time-outs of the probes and a little more.
   * @returns one finding for each order, in their order
   * @throws {Error} when the thread failed, a sweep is under way, or it was closed
   */
  sweep(orders: readonly ProbeOrder[]): Promise<readonly ProbeFinding[]> {
    if (this.#closed || this.#flight !== undefined) return Promise.reject(new Error('the prober has no time'));
    clearTimeout(this.#idle);
    const id = ++this.#lastId;
    const longestMs = Math.max(0, ...orders.map(({ health }) => health.timeoutMs));
    const withinMs = Math.ceil(orders.length / CONCURRENCY) * longestMs + MARGIN_MS;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => this.#fail(new Error(`the probes did not end within ${withinMs} ms`)), withinMs);
      this.#flight = { id, resolve, reject, late };
      this.#tell({ type: 'sweep', id, orders, concurrency: CONCURRENCY });
    });
  }

  /** Ends the thread; a sweep under way fails. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#fail(new Error('the process ends'));
  }

  #tell(message: ToHealthThread): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(entryUrl('workers/health/main'), { name: 'health', resourceLimits: HEAP_MB });
    worker.unref(); // it holds the process no longer than its front
    worker.on('message', (message: FromHealthThread) => {
      if (worker === this.#worker) this.#receive(message);
    });
    worker.on('error', (error: unknown) => {
      this.#options.log.error({ err: error }, 'the thread that probes targets failed; the next sweep starts another');
      this.#gone(worker, error instanceof Error ? error : new Error(String(error)));
    });
    worker.on('exit', () => this.#gone(worker, new Error('the thread that probes ended')));
    return worker;
  }

  #receive(message: FromHealthThread): void {
    switch (message.type) {
      case 'swept': {
        const flight = this.#flight;
        if (flight === undefined || flight.id !== message.id) return;
        this.#land();
        this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
        flight.resolve(message.findings);
        return;
      }
      case 'resolve':
        this.#resolve(message.name);
        return;
      case 'unreachable':
      case 'reachable':
      case 'ejected':
      case 'returned':
        return;
      default:
        message satisfies never;
    }
  }

  #resolve(name: string): void {
    this.#options.names.ask(name, (answer) => {
      if (this.#worker === undefined) return;
      if (answer.kind !== 'found') return this.#tell({ type: 'unresolved', name, code: answer.code });
      const { addresses, freshMs } = answer;
      this.#tell({ type: 'resolved', name, addresses, freshMs });
    });
  }

  #gone(worker: Worker, error: Error): void {
    if (worker === this.#worker) this.#fail(error);
  }

  #fail(error: Error): void {
    const flight = this.#flight;
    this.#land();
    this.#end();
    flight?.reject(error);
  }

  #land(): void {
    clearTimeout(this.#flight?.late);
    this.#flight = undefined;
  }

  #end(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }
}
