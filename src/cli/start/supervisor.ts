import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { monotonicMs } from '../../shared/clock.ts';
import { EXIT } from '../exit-codes.ts';
import { nextStep } from './next-step.ts';
import type { FrontExit } from './next-step.ts';

/** The methods of the log that are used; pino's. */
export interface SupervisorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SuperviseOptions {
  /** Arguments of node: the front's entry, and what follows it. */
  readonly nodeArgs: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A socket that listens already, which every front gets under the same number; `undefined` = none. */
  readonly inheritedSocket?: number | undefined;
  /** A front that is still there this long after it was asked to stop is killed. */
  readonly killAfterMs: number;
  /** What emits the signals: `process`. */
  readonly signals: EventEmitter;
  readonly log: SupervisorLog;
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/**
 * Keeps one front process running until it is asked to stop, or until starting another would be of no use.
 * @returns the exit code to end with
 */
export const supervise = (options: SuperviseOptions): Promise<number> =>
  new Promise((resolve) => new Supervisor(options, resolve).start());

/** As `stdio` wants it: what stands at a place becomes the descriptor of that number. Only the first after stderr. */
const inherited = (socket: number | undefined): readonly number[] => (socket === undefined ? [] : [socket]);

class Supervisor {
  readonly #options: SuperviseOptions;
  readonly #done: (code: number) => void;
  /** `undefined` while none runs: between a death and the next start. */
  #front: ChildProcess | undefined;
  #startedMs = 0;
  /** A front said that it serves: the first message of its channel. */
  #served = false;
  /** The one that runs has said so. */
  #ready = false;
  /** Came before that, when it would have ended the front. */
  #isReloadWanted = false;
  #restarts = 0;
  #failuresInRow = 0;
  #stopping = false;
  #restartTimer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(options: SuperviseOptions, done: (code: number) => void) {
    this.#options = options;
    this.#done = done;
  }

  start(): void {
    const { signals } = this.#options;
    // Never taken off: a signal that comes while the process is ending must not change how it ends.
    for (const signal of STOP_SIGNALS) signals.on(signal, () => this.#stop(signal));
    signals.on('SIGHUP', () => this.#reload());
    this.#startFront();
  }

  #startFront(): void {
    this.#startedMs = monotonicMs();
    const front = spawn(process.execPath, this.#options.nodeArgs, {
      env: { ...this.#options.env },
      stdio: ['ignore', 'inherit', 'inherit', ...inherited(this.#options.inheritedSocket), 'ipc'],
      // A group of its own: Ctrl-C reaches only this process, which passes it on once.
      detached: true,
    });
    this.#front = front;
    front.once('message', () => {
      this.#served = true;
      this.#ready = true;
      if (this.#isReloadWanted) this.#reload();
    });
    front.once('exit', (code, signal) => {
      this.#ended(signal === null ? { kind: 'code', code: code ?? EXIT.internal } : { kind: 'signal', signal });
    });
    front.on('error', (error) => {
      this.#options.log.error({ err: error }, 'the front process cannot be started or reached');
      if (front.pid === undefined) this.#ended({ kind: 'code', code: EXIT.internal }); // no `exit` will follow
    });
  }

  #ended(exit: FrontExit): void {
    this.#front = undefined;
    this.#ready = false;
    clearTimeout(this.#killTimer);
    const uptimeMs = Math.round(monotonicMs() - this.#startedMs);
    const step = nextStep(exit, {
      stopping: this.#stopping,
      uptimeMs,
      served: this.#served,
      restarts: this.#restarts,
      failuresInRow: this.#failuresInRow,
    });
    if (step.kind === 'exit') return this.#done(step.code);
    const { delayMs, failuresInRow } = step;
    const how = exit.kind === 'signal' ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`;
    const next = delayMs === 0 ? 'starting another at once' : `starting another in ${delayMs} ms`;
    const fields = exit.kind === 'signal' ? { signal: exit.signal } : { code: exit.code };
    this.#options.log.error(
      { ...fields, uptimeMs, restarts: this.#restarts, delayMs },
      `the front process ${how} after ${(uptimeMs / 1000).toFixed(1)} s: ${next}`,
    );
    this.#restarts += 1;
    this.#failuresInRow = failuresInRow;
    this.#restartTimer = setTimeout(() => this.#startFront(), delayMs);
  }

  #stop(signal: NodeJS.Signals): void {
    if (!this.#stopping) {
      this.#stopping = true;
      clearTimeout(this.#restartTimer);
      if (this.#front === undefined) return this.#done(EXIT.ok);
      this.#killTimer = setTimeout(() => this.#kill(), this.#options.killAfterMs);
    }
    this.#pass(signal);
  }

  /** A front that loads may have read the configuration already, and does not listen yet. */
  #reload(): void {
    this.#isReloadWanted = !this.#ready;
    if (this.#ready) this.#pass('SIGHUP');
  }

  #kill(): void {
    const { killAfterMs, log } = this.#options;
    log.warn({ killAfterMs }, `the front process has not stopped in ${killAfterMs} ms: killing it`);
    this.#pass('SIGKILL');
  }

  #pass(signal: NodeJS.Signals): void {
    this.#front?.kill(signal);
  }
}
