import type { Logger } from 'pino';

const LOG_EVERY_MS = 1_000;

/** Requests that passed only because their route's limits are in shadow: counted, and logged at most once a second. */
export class ShadowLog {
  /** All since the start. */
  total = 0;
  readonly #log: Pick<Logger, 'info'>;
  #routes = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Pick<Logger, 'info'>) {
    this.#log = log;
  }

  refused(route: string): void {
    this.total++;
    this.#routes.set(route, (this.#routes.get(route) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.#write(), LOG_EVERY_MS).unref();
  }

  /** Writes what is not logged yet. */
  close(): void {
    clearTimeout(this.#timer);
    if (this.#routes.size > 0) this.#write();
  }

  #write(): void {
    const routes = Object.fromEntries(this.#routes);
    this.#routes = new Map();
    this.#timer = undefined;
    this.#log.info({ routes }, 'rate limits: shadow, so many requests would have been refused');
  }
}
