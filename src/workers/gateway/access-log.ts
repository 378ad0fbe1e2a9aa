import type { AccessLogConfig } from '../../shared/config/types.ts';

/** One line of the access log; times in milliseconds, sizes in body bytes. */
export interface AccessEntry {
  readonly request_id: string;
  readonly client: string;
  /** Only of who has proved who he is. */
  readonly consumer?: string;
  readonly method: string;
  /** Normalised path, without the query (which may hold secrets). */
  readonly path: string;
  readonly route: string;
  readonly status: number;
  readonly bytes_received: number;
  readonly bytes_sent: number;
  readonly duration_ms: number;
  /** How often it was sent, where that is more than once. */
  readonly attempts?: number;
  /** From the request being written to the end of the answer's header; -1 when there was none. */
  readonly upstream_ms: number;
  readonly target: string;
  /** `ok`, an error code, `client_aborted`, or `websocket`: the line of one that is over, with payload bytes of its messages. */
  readonly outcome: string;
  /** Of a WebSocket: from the client, and to it. */
  readonly messages_received?: number;
  readonly messages_sent?: number;
  /** Who ended it, and with what code; 1005: a close frame without one, 1006: without a close frame. */
  readonly closed_by?: string;
  readonly close_code?: number;
}

/** What of a line is known before the end. */
export type BegunEntry = Omit<AccessEntry, 'bytes_received' | 'bytes_sent' | 'duration_ms' | 'outcome'>;

/** More lines than this between two ticks are dropped, and counted, rather than kept in memory. */
const MOST_WAITING = 20_000;

/** Where lines are sampled, one client can fail as often as it likes: more failures than this between two ticks get no line. */
const MOST_FAILURES = 50;
/** A burst that goes on is told of after so many ticks. */
const TOLD_AFTER_TICKS = 100;

/** Gathers lines on the hot path; they are formatted and written on the thread's tick. */
export class AccessLog {
  readonly #write: (entry: AccessEntry) => void;
  readonly #onDropped: (count: number) => void;
  readonly #onSkipped: (count: number) => void;
  #config: AccessLogConfig;
  #waiting: AccessEntry[] = [];
  #unsampled = 0;
  #dropped = 0;
  /** Since the last tick. */
  #failures = 0;
  #skipped = 0;
  #skippedBefore = 0;
  #burstTicks = 0;

  constructor(
    config: AccessLogConfig,
    sink: {
      readonly write: (entry: AccessEntry) => void;
      readonly dropped: (count: number) => void;
      /** So many failures got no line. */
      readonly skipped: (count: number) => void;
    },
  ) {
    this.#config = config;
    this.#write = sink.write;
    this.#onDropped = sink.dropped;
    this.#onSkipped = sink.skipped;
  }

  configure(config: AccessLogConfig): void {
    this.#config = config;
  }

  /** Whether this exchange gets a line. Asked before the entry is made, so that most exchanges make none. */
  wants(failed: boolean): boolean {
    const config = this.#config;
    if (config.kind === 'off') return false;
    if (config.kind === 'on') return true;
    if (failed) {
      if (this.#failures++ < MOST_FAILURES) return true;
      this.#skipped++;
      return false;
    }
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
    this.#failures = 0;
    if (this.#skipped > 0) this.#tellSkipped();
    if (this.#waiting.length === 0) return;
    const entries = this.#waiting;
    this.#waiting = [];
    for (const entry of entries) this.#write(entry);
    if (this.#dropped > 0) {
      this.#onDropped(this.#dropped);
      this.#dropped = 0;
    }
  }

  /** Once when the burst is over, or has gone on for long. */
  #tellSkipped(): void {
    const isOver = this.#skipped === this.#skippedBefore;
    this.#skippedBefore = this.#skipped;
    if (!isOver && ++this.#burstTicks < TOLD_AFTER_TICKS) return;
    this.#onSkipped(this.#skipped);
    this.#skipped = 0;
    this.#skippedBefore = 0;
    this.#burstTicks = 0;
  }
}
