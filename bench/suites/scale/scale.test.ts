import { describe, expect, it } from 'vitest';
import { doublings, inWords, upTo } from './counts.ts';
import { machineLimit } from './machine-limit.ts';

describe('counts', () => {
  it('doubles up to the most', () => {
    expect(doublings(8)).toEqual([1, 2, 4, 8]);
    expect(doublings(6)).toEqual([1, 2, 4, 6]);
    expect(doublings(1)).toEqual([1]);
  });

  it('counts up', () => {
    expect(upTo(3)).toEqual([1, 2, 3]);
    expect([inWords(1, 'node'), inWords(2, 'node')]).toEqual(['1 node', '2 nodes']);
  });
});

describe('machineLimit', () => {
  const run = (gateway: number, load: number) => ({ busyCores: { gateway, load, redis: 0.1 } });

  it('says when all cores were in use in most rounds', () => {
    expect(machineLimit([run(1, 0.9), run(1, 0.9), run(0.2, 0.2)], 2)).toContain('2.0 of its 2 cores');
  });

  it('is silent when there was room', () => {
    expect(machineLimit([run(1, 0.9), run(0.5, 0.4), run(0.5, 0.4)], 2)).toBeUndefined();
    expect(machineLimit([run(1, 0.9)], 4)).toBeUndefined();
  });
});
