import { describe, expect, it } from 'vitest';
import { judge } from './audit.ts';

// Three seconds of the bucket of 100 that refills 50 a second.
const judged = (granted: number, others: Record<string, number> = { '429': 9000 }): readonly string[] =>
  judge({ '200': granted, ...others }, 3).problems;

describe('judge', () => {
  it('accepts what the bucket held, and up to one percent less', () => {
    expect(judged(250)).toEqual([]);
    expect(judged(248)).toEqual([]);
  });

  it('sees one too many, and too few', () => {
    expect(judged(251)).toEqual(['more granted than the bucket held']);
    expect(judged(247)).toEqual(['less granted than 99 %']);
  });

  it('sees other answers and a load that asked for too little', () => {
    expect(judged(250, { '429': 1, '503': 2 })).toEqual(['status 503: 2']);
    expect(judged(250, {})).toEqual(['nothing was refused: too little demand to say anything']);
  });
});
