import type { AccessLogConfig } from '../../shared/config/types.ts';

/** One line of the access log; times in milliseconds, sizes in body bytes. */
export interface AccessEntry {
  readonly request_id: string;
  readonly client: string;
  readonly method: string;
  /** Normalised path, without the query (which may hold secrets). */
  readonly path: string;
  readonly route: string;
  readonly status: number;
  readonly bytes_received: number;
  readonly bytes_sent: number;
  readonly duration_ms: number;
  /** From the request being written to the end of the answer's header; -1 when there was none. */
  readonly upstream_ms: number;
  readonly target: string;
  /** `ok`, an error code, or `client_aborted`. */
  readonly outcome: string;
}

/** More lines than this between two ticks are dropped, and counted, rather than kept in memory. */
const MOST_WAITING = 20_000;

/** Gathers lines on the hot path; they are formatted and written on the thread's tick. */
export class AccessLog {
  readonly #write: (entry: AccessEntry) => void;
  readonly #onDropped: (count: number) => void;
  #config: AccessLogConfig;
  #waiting: AccessEntry[] = [];
  #unsampled = 0;
  #dropped = 0;

  constructor(
    config: AccessLogConfig,
    sink: { write: (entry: AccessEntry) => void; dropped: (count: number) => void },
  ) {
    this.#config = config;
    this.#write = sink.write;
    this.#onDropped = sink.dropped;
  }

  configure(config: AccessLogConfig): void {
    this.#config = config;
  }

  /** Whether this exchange gets a line. Asked before the entry is made, so that most exchanges make none. */
  wants(failed: boolean): boolean {
    const config = this.#config;
    if (config.kind === 'off') return false;
    if (config.kind === 'on' || failed) return true;
    this.#unsampled++;
    if (this.#unsampled < config.oneIn) return false;
    this.#unsampled = 0;
    return true;
  }

  add(entry: AccessEntry): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(entry);
    else this.#dropped++;
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const entries = this.#waiting;
    this.#waiting = [];
    for (const entry of entries) this.#write(entry);
    if (this.#dropped > 0) {
      this.#onDropped(this.#dropped);
      this.#dropped = 0;
    }
  }
}
