import type { Log } from '../../../shared/log.ts';

/** So often a reason gets a line. */
const EVERY_MS = 60_000;

interface Count {
  refused: number;
  toldMs: number;
}

/** Tells the operator why credentials are refused, in a line a minute for each reason: their clients hear no more than that. */
export class RefusalLog {
  readonly #log: Pick<Log, 'warn'>;
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<string, Count>();

  constructor(log: Pick<Log, 'warn'>, monotonicMs: () => number) {
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  /** @param reason one of a few @param line.fields of the latest that was refused so */
  note(reason: string, line: { readonly fields: Readonly<Record<string, string>>; readonly text: string }): void {
    const count = this.#counts.get(reason) ?? { refused: 0, toldMs: Number.NEGATIVE_INFINITY };
    this.#counts.set(reason, count);
    count.refused++;
    const nowMs = this.#monotonicMs();
    if (nowMs - count.toldMs < EVERY_MS) return;
    this.#log.warn({ ...line.fields, refused: count.refused }, line.text);
    count.refused = 0;
    count.toldMs = nowMs;
  }
}
