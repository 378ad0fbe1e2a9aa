import { OTHER_ROW, rowStart } from '../../shared/metrics/layout.ts';
import type { RowKind } from '../../shared/metrics/layout.ts';
import type { MetricMemory } from './metric-memory.ts';

/** Numbers of one histogram, over all threads. */
export interface HistogramSums {
  readonly edges: readonly number[];
  /** One for each edge and one above the last; not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A name and where its row starts in every block. */
export interface NamedRow {
  readonly name: string;
  readonly row: number;
  readonly start: number;
}

/** Reads the shared memory: the sum over all threads that live or have lived. */
export class BlockSums {
  readonly #memory: MetricMemory;

  constructor(memory: MetricMemory) {
    this.#memory = memory;
  }

  /** @param index of a number in a block */
  at(index: number): number {
    let sum = 0;
    for (const block of this.#memory.blocks) sum += block[index] ?? 0;
    return sum;
  }

  histogram(start: number, edges: readonly number[]): HistogramSums {
    return histogramIn((index) => this.at(index), { start, edges });
  }

  /** Of one thread's slot alone. */
  histogramOf(slot: number, start: number, edges: readonly number[]): HistogramSums {
    const block = this.#memory.blocks[slot];
    return histogramIn((index) => block?.[index] ?? 0, { start, edges });
  }

  /** One slot's number. */
  atSlot(slot: number, index: number): number {
    return this.#memory.blocks[slot]?.[index] ?? 0;
  }

  /** Every slot, used or not. */
  slots(): readonly number[] {
    return [...this.#memory.blocks.keys()];
  }

  /** Rows that have a series: every name there is or was, and `(other)` where names share it or something was counted. */
  rows(kind: RowKind): readonly NamedRow[] {
    const { table } = this.#memory;
    return [...table.named(kind)]
      .map(([name, row]) => ({ name, row, start: rowStart(kind, row) }))
      .filter(({ row }) => row !== OTHER_ROW || table.hasOthers(kind) || this.#used(kind, row));
  }

  #used(kind: RowKind, row: number): boolean {
    const end = rowStart(kind, row + 1);
    for (let index = rowStart(kind, row); index < end; index++) if (this.at(index) !== 0) return true;
    return false;
  }
}

function histogramIn(
  at: (index: number) => number,
  { start, edges }: { readonly start: number; readonly edges: readonly number[] },
): HistogramSums {
  return {
    edges,
    counts: Array.from({ length: edges.length + 1 }, (_, bucket) => at(start + bucket)),
    sum: at(start + edges.length + 1),
  };
}
