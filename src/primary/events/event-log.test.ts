import { describe, expect, test, vi } from 'vitest';
import { EventLog, KEPT_EVENTS } from './event-log.ts';
import { EventReaders, wanted } from './event-readers.ts';

function setUp(startMs = 1_000) {
  let nowMs = startMs;
  const errors: unknown[] = [];
  const log = new EventLog({ wallClockMs: () => nowMs, onListenerError: (error) => errors.push(error) });
  return { log, errors, later: (ms: number) => (nowMs += ms) };
}

/** A stream whose reader takes nothing. */
function stream() {
  const written: string[] = [];
  const state = { ended: false, cut: false };
  let leave = (): void => {};
  const over = (how: 'ended' | 'cut'): void => {
    state[how] = true;
    leave();
  };
  return {
    written,
    state,
    write: (text: string): void => void written.push(text),
    waitingBytes: () => written.join('').length,
    end: () => over('ended'),
    cut: () => over('cut'),
    onClose: (listener: () => void): void => void (leave = listener),
  };
}

describe('the log of events', () => {
  test('keeps the last 200, with ids that go up', () => {
    const { log } = setUp();
    for (let i = 0; i < 250; i++) log.add('reload', `event ${i}`);
    const kept = log.kept();
    expect(kept).toHaveLength(KEPT_EVENTS);
    expect(kept.map(({ message }) => message)).toEqual(Array.from({ length: 200 }, (_, i) => `event ${i + 50}`));
    expect(kept.every(({ id }, at) => at === 0 || id === (kept[at - 1]?.id ?? 0) + 1)).toBe(true);
  });

  test('says when', () => {
    const { log, later } = setUp(0);
    later(61_000);
    log.add('drain', 'x', { a: 1 });
    expect(log.kept()).toEqual([
      { id: 0, at: '1970-01-01T00:01:01.000Z', type: 'drain', message: 'x', details: { a: 1 } },
    ]);
  });

  test('gives what came after an id; an id of nobody gets all', () => {
    const { log } = setUp();
    for (const each of ['a', 'b', 'c']) log.add('reload', each);
    const texts = (id?: number): string =>
      log
        .kept(id)
        .map(({ message }) => message)
        .join('');
    expect([texts(), texts(1_000), texts(1_002), texts(5), texts(9_999)]).toEqual(['abc', 'bc', '', 'abc', 'abc']);
  });

  test('ids of a next process go on upwards', () => {
    const first = setUp(1_000);
    for (let i = 0; i < 10; i++) first.log.add('reload', '');
    const next = setUp(60_000);
    next.log.add('reload', 'new');
    const last = first.log.kept().at(-1)?.id ?? 0;
    expect(next.log.kept(last).map(({ message }) => message)).toEqual(['new']);
  });

  test('a listener that throws changes nothing', () => {
    const { log, errors } = setUp();
    const heard: string[] = [];
    log.listen(() => {
      throw new Error('test');
    });
    log.listen(({ message }) => void heard.push(message));
    log.add('thread', 'told');
    expect([heard, errors.length, log.kept().length]).toEqual([['told'], 1, 1]);
  });

  test('what is too large, or no JSON, is left out', () => {
    const { log } = setUp();
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    log.add('thread', 'm'.repeat(1_000), { text: 'x'.repeat(10_000) });
    log.add('thread', '', loop);
    log.add('thread', '', { big: 1n });
    expect(JSON.stringify(log.kept()).length).toBeLessThan(1_500);
    expect(log.kept().every(({ details }) => 'leftOut' in details)).toBe(true);
  });
});

describe('readers of events', () => {
  const options = { mostReaders: 2, mostWaitingBytes: 2_000, heartbeatMs: 60_000 };
  const ALL = { types: new Set<never>(), afterId: undefined };

  test('get what is kept, then what comes', () => {
    const { log } = setUp(5);
    const readers = new EventReaders({ log, ...options });
    log.add('breaker', 'before');
    const reader = stream();
    readers.open(reader, ALL);
    log.add('thread', 'after');
    const frames = reader.written.slice(1);
    expect(frames[0]).toMatch(/^id: 5\nevent: breaker\ndata: \{.*"before".*\}\n\n$/);
    expect(frames[1]).toMatch(/^id: 6\nevent: thread\ndata: \{.*"after".*\}\n\n$/);
  });

  test('get only the types they want', () => {
    const { log } = setUp();
    const readers = new EventReaders({ log, ...options });
    log.add('breaker', 'one');
    log.add('thread', 'two');
    const reader = stream();
    readers.open(reader, { types: new Set(['thread']), afterId: undefined });
    log.add('breaker', 'three');
    log.add('thread', 'four');
    const text = reader.written.join('');
    expect(['one', 'two', 'three', 'four'].filter((each) => text.includes(each))).toEqual(['two', 'four']);
    expect(wanted(log.kept(), new Set(['breaker'] as const))).toHaveLength(2);
  });

  test('that do not read are cut off, and then hear nothing', () => {
    const { log } = setUp();
    const readers = new EventReaders({ log, ...options });
    const reader = stream();
    readers.open(reader, ALL);
    for (let i = 0; i < 100; i++) log.add('thread', `event ${i}`);
    expect(reader.state).toEqual({ ended: false, cut: true });
    expect(reader.waitingBytes()).toBeLessThan(2_500);
    expect(readers.isFull).toBe(false);
  });

  test('are bounded in number, and leave room when they go', () => {
    const { log } = setUp();
    const readers = new EventReaders({ log, ...options });
    const [a, b] = [stream(), stream()];
    readers.open(a, ALL);
    readers.open(b, ALL);
    expect(readers.isFull).toBe(true);
    a.end();
    expect(readers.isFull).toBe(false);
  });

  test('are all sent away by close, also those that come later', () => {
    const { log } = setUp();
    log.add('drain', 'last');
    const readers = new EventReaders({ log, ...options });
    const [early, late] = [stream(), stream()];
    readers.open(early, ALL);
    readers.close();
    readers.open(late, ALL);
    expect([early.state.ended || early.state.cut, late.state.ended]).toEqual([true, true]);
    expect(late.written.join('')).toContain('last');
  });

  test('that are slow to go hear nothing after close, and no sign of life either', () => {
    vi.useFakeTimers();
    try {
      const { log } = setUp();
      const readers = new EventReaders({ log, ...options, mostReaders: 1, heartbeatMs: 10 });
      const slow = { ...stream(), end: () => {} }; // what was written before is not read yet: it is not over
      readers.open(slow, ALL);
      readers.close();
      const before = slow.written.length;
      log.add('thread', 'late');
      vi.advanceTimersByTime(100);
      expect(slow.written.slice(before)).toEqual([]);
      expect([readers.isFull, slow.state.cut]).toEqual([true, false]);
      vi.advanceTimersByTime(1_000);
      expect([readers.isFull, slow.state.cut]).toEqual([false, true]);
    } finally {
      vi.useRealTimers();
    }
  });
});
