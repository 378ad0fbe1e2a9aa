import { setTimeout as rest } from 'node:timers/promises';
import { monotonicMs } from '../../clock.ts';

/** Rests shorter than this are saved up: timers do not go below a millisecond. */
const LEAST_REST_MS = 2;

/** Holds what flows by to so many bytes a second, from the first on. Time in which nothing came is not made up for. */
export class Flow {
  readonly #msPerByte: number;
  #atMs = Number.NEGATIVE_INFINITY;
  #passed = 0;

  constructor(bytesPerSecond: number) {
    this.#msPerByte = 1_000 / bytesPerSecond;
  }

  /** @param bytes that have passed in all */
  async past(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = monotonicMs();
    this.#atMs = Math.max(this.#atMs, nowMs) + (bytes - this.#passed) * this.#msPerByte;
    this.#passed = bytes;
    if (this.#atMs - nowMs >= LEAST_REST_MS) await rest(this.#atMs - nowMs, undefined, { signal });
  }
}
