import type { ClientCountsMemory } from './client-counts.ts';
import { PRIORITIES } from './priority.ts';

/**
 * How many requests each request thread has under way at an upstream, and how many of its requests wait for a place there, in
 * memory that all threads of a node share. A row for each upstream that has a limit, a cell in it for each slot. Only the
 * thread in the slot writes its cell, and the front empties it when that has gone: what a dead thread had is nobody's. Row 0
 * belongs to no upstream.
 */

/** What a thread sees the others by. */
export interface ConcurrencyMemory {
  readonly buffer: SharedArrayBuffer;
  /** Cells in a row. */
  readonly slots: number;
}

/** Row of each upstream that has a limit. */
export type ConcurrencyRows = ReadonlyMap<string, number>;

/** What a new thread is told. */
export interface ConcurrencyStart {
  readonly memory: ConcurrencyMemory;
  readonly rows: ConcurrencyRows;
  /** Of clients that have a fixed number. */
  readonly clients: ClientCountsMemory;
}

/** Words of a cell: requests under way, and after it those that wait, one for each of PRIORITIES. */
export const CELL_WORDS = 1 + PRIORITIES.length;

export const createConcurrencyMemory = (rows: number, slots: number): ConcurrencyMemory => ({
  buffer: new SharedArrayBuffer(rows * slots * CELL_WORDS * Int32Array.BYTES_PER_ELEMENT),
  slots,
});

/** First index of a slot's cell in an Int32Array over the memory. */
export const cellOf = ({ slots }: ConcurrencyMemory, row: number, slot: number): number =>
  (row * slots + slot) * CELL_WORDS;
