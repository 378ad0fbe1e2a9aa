import type { Log } from '../../shared/log.ts';
import type { EventLog } from '../events/event-log.ts';

interface FarReport {
  readonly log: Log;
  readonly events?: Pick<EventLog, 'add'>;
}

/** Puts together what each request thread says of the way to its Redis: it is far as long as it is so for one of them. */
export class FarStore {
  readonly #listener: (isFar: boolean, fastestMs: number) => void;
  /** Slots. */
  readonly #threads = new Set<number>();

  /** @param listener called once per change, with the round trip of which none was shorter */
  constructor(listener: (isFar: boolean, fastestMs: number) => void) {
    this.#listener = listener;
  }

  receive(slot: number, { isFar, fastestMs }: { readonly isFar: boolean; readonly fastestMs: number }): void {
    const before = this.#threads.size;
    if (isFar) this.#threads.add(slot);
    else this.#threads.delete(slot);
    if (before === 0 || this.#threads.size === 0) {
      if (before !== this.#threads.size) this.#listener(isFar, fastestMs);
    }
  }

  /** The thread that takes its place says the same again, if it is so. */
  threadGone(slot: number): void {
    if (this.#threads.size > 1) this.#threads.delete(slot);
  }
}

/** Says a change, once for all threads. */
export function reportFarStore(to: FarReport, isFar: boolean, fastestMs: number): void {
  const roundTripMs = Math.round(fastestMs);
  const text = isFar
    ? 'rate limits: Redis is far; it is asked, and decisions wait longer than RATE_LIMIT_TIMEOUT_MILLISECONDS'
    : 'rate limits: Redis is near again';
  if (isFar) to.log.warn({ roundTripMs }, text);
  else to.log.info({ roundTripMs }, text);
  to.events?.add('limits-store', text, { isFar, roundTripMs });
}
