/** Whether a store is asked. `down` = skipped at once until a probe is answered. */
export type GateState =
  | { readonly kind: 'up'; readonly failures: number }
  | { readonly kind: 'down'; readonly reason: string; readonly sinceMs: number };

export interface StoreGateOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** Failures in a row after which the store is skipped. */
  readonly failuresToSkip: number;
  /** Time between two probes while skipped. */
  readonly probeEveryMs: number;
  /** A probe without an answer for so long is given up and the connection made anew. */
  readonly probeTimeoutMs: number;
  /** Asks the store something that costs nobody anything; `done` without a reason = it answered. */
  readonly probe: (done: (failure: string | undefined) => void) => void;
  /** Makes the connection anew; called when probes go unanswered. */
  readonly reconnect: () => void;
  /** Called once per change between up and down, and while down when the reason is another, after the gate has changed. */
  readonly onChange: (state: GateState) => void;
}

/** A store that is only silent is not gone before so long. */
const GONE_AFTER_MS = 1_000;

/** A store that cannot be asked for so long after the start is reported like one that was lost. */
export const START_MS = 1_000;

/**
 * The breaker on one store connection. It starts down (`connecting`) so that no request waits for a connection that is
 * not there yet; that is reported only when it lasts.
 */
export class StoreGate {
  readonly #options: StoreGateOptions;
  #state: GateState;
  #timer: NodeJS.Timeout | undefined;
  #probeStartedMs: number | undefined;
  #probe = 0;
  #isReported = false;
  /** When the last time-out was counted. */
  #silentMs = Number.NEGATIVE_INFINITY;
  /** Down because answers did not come in time, and for no better reason. */
  #isSilent = false;
  /** When an answer came last that was late. */
  #lateMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoreGateOptions) {
    this.#options = options;
    this.#state = { kind: 'down', reason: 'connecting', sinceMs: options.clock() };
    this.#startProbes();
  }

  get state(): GateState {
    return this.#state;
  }

  get isUp(): boolean {
    return this.#state.kind === 'up';
  }

  /** Down, and not only because answers are late. */
  get isGone(): boolean {
    if (this.#state.kind === 'up') return false;
    return !this.#isSilent || this.#options.clock() - Math.max(this.#state.sinceMs, this.#lateMs) >= GONE_AFTER_MS;
  }

  /** An answer arrived in time. */
  succeeded(): void {
    if (this.#state.kind === 'up' && this.#state.failures > 0) this.#state = { kind: 'up', failures: 0 };
  }

  /** An answer arrived late: the store is there, and takes back what it gave in vain before a probe has said so. */
  answeredLate(): void {
    this.#lateMs = this.#options.clock();
  }

  /**
   * No answer in time to what was sent at `sentMs`. Time-outs count one after the other: of all that one pause of the
   * machine has made late, one does.
   */
  timedOut(sentMs: number): void {
    if (sentMs < this.#silentMs) return;
    this.#silentMs = this.#options.clock();
    this.failed('timeout');
    this.#isSilent = this.#state.kind === 'down';
  }

  /** An answer that is an error, or none in time. */
  failed(reason: string): void {
    if (this.#state.kind === 'down') return;
    const failures = this.#state.failures + 1;
    if (failures >= this.#options.failuresToSkip) this.goDown(reason);
    else this.#state = { kind: 'up', failures };
  }

  /** The connection is gone: skip at once. */
  goDown(reason: string): void {
    this.#isSilent = false;
    if (this.#state.kind === 'down') return;
    this.#state = { kind: 'down', reason, sinceMs: this.#options.clock() };
    this.#startProbes();
    this.#options.onChange(this.#state);
  }

  /** Probes now, because something says that the store may be back. */
  probeNow(): void {
    if (this.#state.kind === 'up' || this.#timer === undefined) return;
    const now = this.#options.clock();
    if (this.#probeStartedMs !== undefined) {
      if (now - this.#probeStartedMs < this.#options.probeTimeoutMs) return;
      this.#stillDown('no answer');
      this.#options.reconnect();
    }
    this.#probeStartedMs = now;
    const probe = ++this.#probe;
    this.#options.probe((failure) => {
      if (probe !== this.#probe) return; // an older probe's answer says nothing about now
      this.#probeStartedMs = undefined;
      if (failure === undefined) this.#goUp();
      else this.#stillDown(failure);
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#probe++;
  }

  /** Keeps the newest reason, for those who ask. */
  #stillDown(reason: string): void {
    if (this.#state.kind === 'up') return;
    const isNews = reason !== this.#state.reason;
    this.#state = { ...this.#state, reason };
    if (this.#isReported ? !isNews : this.#options.clock() - this.#state.sinceMs < START_MS) return;
    this.#isReported = true;
    this.#options.onChange(this.#state);
  }

  #goUp(): void {
    if (this.#timer === undefined) return;
    this.close();
    this.#state = { kind: 'up', failures: 0 };
    this.#isReported = true;
    this.#options.onChange(this.#state);
  }

  #startProbes(): void {
    this.#probeStartedMs = undefined;
    this.#timer ??= setInterval(() => this.probeNow(), this.#options.probeEveryMs).unref();
  }
}
