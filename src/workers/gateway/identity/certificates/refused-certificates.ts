import { monotonicMs } from '../../../../shared/clock.ts';
import type { Log } from '../../../../shared/log.ts';

/** So often a reason gets a line. */
const EVERY_MS = 60_000;

interface Count {
  refused: number;
  toldMs: number;
}

/**
 * Tells the operator why certificates of clients are refused, in a line a minute for each reason: their clients see a
 * connection that closes, or hear no more than that they are refused.
 */
export class RefusedCertificates {
  readonly #log: Pick<Log, 'warn'>;
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<string, Count>();

  constructor(log: Pick<Log, 'warn'>, clock: () => number = monotonicMs) {
    this.#log = log;
    this.#monotonicMs = clock;
  }

  /** @param reason one of a few @param latest what tells the client apart */
  note(reason: string, latest: Readonly<Record<string, string>>): void {
    const count = this.#counts.get(reason) ?? { refused: 0, toldMs: Number.NEGATIVE_INFINITY };
    this.#counts.set(reason, count);
    count.refused++;
    const nowMs = this.#monotonicMs();
    if (nowMs - count.toldMs < EVERY_MS) return;
    this.#log.warn({ ...latest, refused: count.refused }, `certificates of clients are refused: ${reason}`);
    count.refused = 0;
    count.toldMs = nowMs;
  }
}
