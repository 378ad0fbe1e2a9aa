import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { INITIAL, isLive, nextThread } from './thread-health.ts';
import type { ThreadAction, ThreadEvent, ThreadState } from './thread-health.ts';

const quiet = (elapsedMs: number): ThreadEvent => ({ type: 'check', elapsedMs, beaten: false });
const beat: ThreadEvent = { type: 'check', elapsedMs: 250, beaten: true };

/** Runs events from the start; gives the last state and every action in order. */
function run(events: readonly ThreadEvent[]): { state: ThreadState; actions: ThreadAction[] } {
  let state = INITIAL;
  const actions: ThreadAction[] = [];
  for (const event of events) {
    const next = nextThread(state, event);
    state = next.state;
    actions.push(...next.actions);
  }
  return { state, actions };
}

describe('a request thread', () => {
  test('joins the ring when it listens', () => {
    expect(run([{ type: 'listening' }])).toEqual({ state: { kind: 'serving', silentMs: 0 }, actions: ['join'] });
  });

  test('stays in the ring below 2 s of silence', () => {
    expect(run([{ type: 'listening' }, quiet(1_999)]).actions).toEqual(['join']);
  });

  test('leaves the ring after 2 s and comes back when it beats', () => {
    const events = [{ type: 'listening' } as const, ...Array.from({ length: 8 }, () => quiet(250))];
    expect(run(events)).toMatchObject({ state: { kind: 'silent' }, actions: ['join', 'part'] });
    expect(run([...events, beat])).toMatchObject({ state: { kind: 'serving' }, actions: ['join', 'part', 'join'] });
  });

  test('one beat forgets all silence before it', () => {
    expect(run([{ type: 'listening' }, quiet(1_900), beat, quiet(1_900)]).actions).toEqual(['join']);
  });

  test('is parked after 10 s and told to drain when it wakes up', () => {
    const parked: ThreadEvent[] = [{ type: 'listening' }, quiet(2_000), quiet(8_000)];
    expect(run(parked)).toEqual({ state: { kind: 'parked' }, actions: ['join', 'part'] });
    expect(run([...parked, beat])).toEqual({ state: { kind: 'leaving' }, actions: ['join', 'part', 'drain'] });
  });

  test('that fails leaves the ring before it is told to drain', () => {
    expect(run([{ type: 'listening' }, { type: 'failed' }]).actions).toEqual(['join', 'part', 'drain']);
  });

  test('that dies in the ring is taken out of it', () => {
    expect(run([{ type: 'listening' }, { type: 'exit' }])).toEqual({
      state: { kind: 'gone' },
      actions: ['join', 'part'],
    });
  });

  test('that never listens is given up after 30 s, and sent away if it comes late', () => {
    const late: ThreadEvent[] = [quiet(30_000)];
    expect(run(late)).toEqual({ state: { kind: 'parked' }, actions: [] });
    expect(run([...late, { type: 'listening' }])).toEqual({ state: { kind: 'leaving' }, actions: ['drain'] });
  });

  const event: fc.Arbitrary<ThreadEvent> = fc.oneof(
    fc.constant({ type: 'listening' } as const),
    fc.record({ type: fc.constant('check' as const), elapsedMs: fc.nat(6_000), beaten: fc.boolean() }),
    fc.constant({ type: 'failed' } as const),
    fc.constant({ type: 'retire' } as const),
    fc.constant({ type: 'exit' } as const),
  );

  test.prop([fc.array(event)])('is in the ring exactly while it serves, and is never told to drain in it', (events) => {
    let state = INITIAL;
    let inRing = false;
    for (const each of events) {
      const next = nextThread(state, each);
      for (const action of next.actions) {
        if (action === 'join') inRing = true;
        if (action === 'part') inRing = false;
        if (action === 'drain') expect(inRing).toBe(false);
      }
      state = next.state;
      expect(inRing).toBe(state.kind === 'serving');
    }
  });

  test.prop([fc.array(event)])('never comes back to life', (events) => {
    let state = INITIAL;
    let dead = false;
    for (const each of events) {
      state = nextThread(state, each).state;
      if (dead) expect(isLive(state)).toBe(false);
      dead ||= !isLive(state);
    }
  });
});
