import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rule, turn } from '../../../../test/limits/held-limiter.ts';
import { heldLimits } from './message-limits.fixture.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const passes = (count: number): string[] => Array<string>(count).fill('pass');

test('messages wait for the store, and the one for which there is no token ends the WebSocket', async () => {
  const limits = heldLimits();
  const socket = limits.open('a', limits.limitOf('close'));
  for (let i = 0; i < 10; i++) {
    socket.send();
    expect(socket.said).toEqual(passes(i));
    await turn();
    limits.store.answer();
  }
  socket.send();
  await turn();
  limits.store.answer();
  expect(socket.said).toEqual([...passes(10), '1008 rate_limited']);
  expect(limits.refused).toEqual(['a']);
});

test('tokens that were taken ahead decide at once', async () => {
  const limits = heldLimits();
  const one = limits.open('a', limits.limitOf('close', { leaseTokens: 8 }));
  const other = limits.open('a', limits.limitOf('close', { leaseTokens: 8 }));
  one.send();
  other.send();
  await turn();
  limits.store.answer();
  for (let i = 0; i < 8; i++) one.send();
  expect([one.said, other.said, limits.store.taken]).toEqual([passes(9), passes(1), []]);
});

test('paused, messages of all sockets of a client take turns, each token goes to the next in line, and none is lost', async () => {
  const limits = heldLimits();
  const limit = limits.limitOf('pause', { rules: [rule({ capacity: 1, refillPerSecond: 10 })] });
  const [one, two] = [limits.open('a', limit), limits.open('a', limit)];
  one.send();
  await turn();
  limits.store.answer();
  expect(one.said).toEqual(passes(1));
  for (const socket of [one, one, two, two, two]) socket.send();
  await turn();
  limits.store.answer(); // both asked before one was refused
  expect([one.said, two.said, limits.store.taken.length]).toEqual([passes(1), [], 0]);
  // The clock of the store stands still: its tokens are put there by hand.
  const order: string[] = [];
  for (let i = 0; i < 5; i++) {
    const before = [one.said.length, two.said.length];
    limits.store.memory.take([{ client: 'a', lane: limit.limit.lane, units: -1, granted: 0, left: [] }], 0, {
      settled: () => {},
      booked: () => {},
    });
    limits.time.ms += 1_000;
    vi.advanceTimersByTime(1_000);
    await turn();
    expect(limits.store.taken.map(({ wants }) => wants.map(({ units }) => units))).toEqual([[1]]);
    limits.store.answer();
    order.push(one.said.length > (before[0] as number) ? 'one' : 'two');
    await turn();
    if (limits.store.taken.length > 0) limits.store.answer(); // whether there is one for the next
  }
  expect(order).toEqual(['one', 'two', 'one', 'two', 'two']);
  expect([one.said, two.said]).toEqual([passes(3), passes(3)]);
  vi.advanceTimersByTime(1_000);
  expect(limits.gates.size).toBe(0);
});

test('a socket that ends while its message waits keeps nobody from moving up', async () => {
  const limits = heldLimits();
  const limit = limits.limitOf('pause', { rules: [rule({ capacity: 1, refillPerSecond: 10 })] });
  const [one, two] = [limits.open('a', limit), limits.open('a', limit)];
  one.send();
  await turn();
  limits.store.answer();
  one.send();
  two.send();
  await turn();
  limits.store.answer();
  one.gate.apply(undefined); // as it would be let go
  limits.store.memory.take([{ client: 'a', lane: limit.limit.lane, units: -1, granted: 0, left: [] }], 0, {
    settled: () => {},
    booked: () => {},
  });
  limits.time.ms += 1_000;
  vi.advanceTimersByTime(1_000);
  await turn();
  limits.store.answer();
  expect(two.said).toEqual(passes(1));
  vi.advanceTimersByTime(1_000);
  expect(limits.gates.size).toBe(0);
});

test('who is exempt pays nothing, who is banned is sent away, and a shadow lets all pass', async () => {
  const limits = heldLimits();
  const none = { rules: [rule({ capacity: 0 })] };
  const exempt = limits.open('exempt', limits.limitOf('close', none));
  exempt.send();
  const override = limits.open('b', limits.limitOf('close', none));
  limits.overrides.replace([['b', 'EXEMPT', 5_000]]);
  override.send();
  limits.overrides.replace([['192.0.2.1', 'BANNED', 5_000]]);
  override.send();
  expect([exempt.said, override.said]).toEqual([['pass'], ['pass', '1008 client_banned']]);
  limits.overrides.replace([]);
  const shadow = limits.open('c', limits.limitOf('close', { ...none, shadow: true }));
  shadow.send();
  await turn();
  limits.store.answer();
  expect([shadow.said, limits.shadowed, limits.refused]).toEqual([['pass'], ['r'], []]);
});

test('without a store a closed route ends the WebSocket with 1013, or lets it wait for the store', async () => {
  const limits = heldLimits();
  limits.store.available = false;
  const closes = limits.open('a', limits.limitOf('close', { onStoreFailure: 'closed' }));
  const waits = limits.open('b', limits.limitOf('pause', { onStoreFailure: 'closed' }));
  closes.send();
  waits.send();
  expect([closes.said, waits.said]).toEqual([['1013 limits_unavailable'], []]);
  limits.store.available = true;
  vi.advanceTimersByTime(1_000);
  await turn();
  limits.store.answer();
  expect(waits.said).toEqual(['pass']);
});

test('a reload lets what waits pass, or ask by the new limits', async () => {
  const limits = heldLimits();
  const none = { rules: [rule({ capacity: 0 })] };
  const [freed, wider] = [
    limits.open('a', limits.limitOf('pause', none)),
    limits.open('b', limits.limitOf('pause', none)),
  ];
  freed.send();
  wider.send();
  await turn();
  limits.store.answer();
  freed.gate.apply(undefined);
  wider.gate.apply(limits.limitOf('pause', { rules: [rule({ name: 'wide' })] }));
  await turn();
  limits.store.answer();
  expect([freed.said, wider.said]).toEqual([['pass'], ['pass']]);
  vi.advanceTimersByTime(1_000);
  expect(limits.gates.size).toBe(0);
});
