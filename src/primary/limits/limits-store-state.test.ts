import { describe, expect, test } from 'vitest';
import { LimitsStoreState } from './limits-store-state.ts';
import type { StoreState } from './limits-store-state.ts';

const up = { up: true, reason: '' };
const down = (reason: string) => ({ up: false, reason });

function setUp() {
  const changes: StoreState[] = [];
  return { whole: new LimitsStoreState((state) => changes.push(state)), changes };
}

describe('the store as all threads see it', () => {
  test('is none as long as nobody has spoken', () => {
    const { whole, changes } = setUp();
    whole.threadGone(0);
    expect(whole.state()).toEqual({ state: 'none', reason: '' });
    expect(changes).toEqual([]);
  });

  test('is down as long as one thread says so, and each change and each reason is told once', () => {
    const { whole, changes } = setUp();
    whole.receive(0, up);
    whole.receive(1, up);
    expect(changes).toEqual([{ state: 'up', reason: '' }]);
    whole.receive(1, down('timeout'));
    whole.receive(0, down('connection closed'));
    expect(whole.state().state).toBe('down');
    expect(changes.slice(1)).toEqual([
      { state: 'down', reason: 'timeout' },
      { state: 'down', reason: 'connection closed' },
    ]);
    whole.receive(1, up);
    expect(whole.state()).toEqual({ state: 'down', reason: 'connection closed' });
    whole.receive(1, down('timeout'));
    whole.receive(1, up);
    expect(changes).toHaveLength(3);
    whole.receive(0, up);
    expect(changes.slice(3)).toEqual([{ state: 'up', reason: '' }]);
  });

  test('a Redis that is always too far is told once, not for each time it took; what is shown is the newest', () => {
    const { whole, changes } = setUp();
    whole.receive(0, down('timeout'));
    for (const ms of [84, 88, 101]) whole.receive(0, down(`answers after ${ms} ms, later than 50 ms`));
    whole.receive(0, down('connection closed'));
    expect(changes.map(({ reason }) => reason)).toEqual([
      'timeout',
      'answers after 84 ms, later than 50 ms',
      'connection closed',
    ]);
    whole.receive(0, down('answers after 90 ms, later than 50 ms'));
    expect(whole.state().reason).toBe('answers after 90 ms, later than 50 ms');
  });

  test('a thread that has gone says nothing any more', () => {
    const { whole, changes } = setUp();
    whole.receive(0, up);
    whole.receive(1, down('timeout'));
    whole.threadGone(1);
    expect(whole.state().state).toBe('up');
    expect(changes.map(({ state }) => state)).toEqual(['up', 'down', 'up']);
  });

  test('what the last thread said holds until the one that replaces it speaks', () => {
    const { whole, changes } = setUp();
    whole.receive(0, down('timeout'));
    whole.threadGone(0);
    expect(whole.state().state).toBe('down');
    whole.receive(0, down('timeout'));
    expect(changes).toHaveLength(1);
    whole.receive(0, up);
    expect(changes.map(({ state }) => state)).toEqual(['down', 'up']);
  });
});
