import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { MemoryStore } from '../../shared/limits/memory-store.ts';
import type { FromMemoryStore, ToMemoryStore } from '../../shared/limits/port-protocol.ts';
import type { Lane } from '../../shared/limits/rule.ts';
import type { Want } from '../../shared/limits/store.ts';

export interface MemoryStoreHostOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly maxBuckets?: number;
}

const SWEEP_EVERY_MS = 100;
/** Slots looked at per turn, about 0.2 ms; a million buckets are seen in about 12 s. */
const SWEEP_SLOTS = 8_192;

/** The buckets of a gateway without Redis: they live in the front, and every request thread asks over its own port. */
export class MemoryStoreHost {
  readonly store: MemoryStore;
  readonly #clock: () => number;
  readonly #ports = new Set<MessagePort>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: MemoryStoreHostOptions) {
    this.#clock = options.clock;
    this.store = new MemoryStore(options);
    this.#timer = setInterval(() => this.store.sweep(SWEEP_SLOTS), SWEEP_EVERY_MS).unref();
  }

  /** A port for one thread, to be transferred to it. It is forgotten when the thread ends. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const lanes: Lane[] = [];
    this.#ports.add(port1);
    port1.on('message', (message: ToMemoryStore) => {
      if (message.type === 'lane') lanes[message.number] = message.lane;
      else port1.postMessage(this.#take(message, lanes));
    });
    port1.on('close', () => this.#ports.delete(port1));
    port1.unref();
    return port2;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const port of this.#ports) port.close();
  }

  #take(message: ToMemoryStore & { type: 'take' }, lanes: readonly Lane[]): FromMemoryStore {
    const nowMs = this.#clock();
    const answers: number[] = [];
    for (let i = 0; i < message.clients.length; i++) {
      const lane = lanes[message.asked[2 * i] as number] as Lane;
      const want: Want = {
        client: message.clients[i] as string,
        lane,
        units: message.asked[2 * i + 1] as number,
        granted: 0,
        left: [],
      };
      this.store.takeOne(want, nowMs);
      answers.push(want.granted, ...want.left);
    }
    return { id: message.id, answers: Float64Array.from(answers) };
  }
}
