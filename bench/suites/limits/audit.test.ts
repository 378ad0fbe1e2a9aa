import { describe, expect, it } from 'vitest';
import { judge } from './audit.ts';

// Three seconds of the bucket of 100 that refills 50 a second, the slowest answer after 20 ms: 249 to 251.
const judged = (granted: number, others: Record<string, number> = { '429': 9000 }): readonly string[] =>
  judge({ statuses: { '200': granted, ...others }, seconds: 3, maxUs: 20_000 }).problems;

describe('judge', () => {
  it('accepts what the bucket held, and up to one percent less', () => {
    expect(judged(251)).toEqual([]);
    expect(judged(247)).toEqual([]);
  });

  it('sees one too many, and too few', () => {
    expect(judged(252)).toEqual(['more granted than the bucket held']);
    expect(judged(246)).toEqual(['less granted than 99 %']);
  });

  it('sees other answers and a load that asked for too little', () => {
    expect(judged(250, { '429': 1, '503': 2 })).toEqual(['status 503: 2']);
    expect(judged(250, {})).toEqual(['nothing was refused: too little demand to say anything']);
  });
});
