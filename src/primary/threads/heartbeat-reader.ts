import { createHeartbeats, heartbeatIndex } from '../../shared/threads/heartbeats.ts';
import type { HeartbeatField } from '../../shared/threads/heartbeats.ts';

/** The front's side of the shared memory: the threads write, this reads. */
export class HeartbeatReader {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(slots: number) {
    this.buffer = createHeartbeats(slots);
    this.#words = new Int32Array(this.buffer);
  }

  read(slot: number, field: HeartbeatField): number {
    return Atomics.load(this.#words, heartbeatIndex(slot, field));
  }

  /** Empties the row for the next thread in it; only while no thread is. */
  clear(slot: number): void {
    const from = heartbeatIndex(slot, 'beatMs');
    this.#words.fill(0, from, heartbeatIndex(slot + 1, 'beatMs'));
  }
}
