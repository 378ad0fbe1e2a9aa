import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreGate } from './store-gate.ts';
import type { GateState } from './store-gate.ts';

function setUp() {
  const probes: ((failure: string | undefined) => void)[] = [];
  const changes: GateState['kind'][] = [];
  let reconnects = 0;
  const gate = new StoreGate({
    clock: () => performance.now(),
    failuresToSkip: 3,
    probeEveryMs: 200,
    probeTimeoutMs: 500,
    probe: (done) => void probes.push(done),
    reconnect: () => reconnects++,
    onChange: (state) => changes.push(state.kind),
  });
  const connect = (): void => {
    gate.probeNow();
    probes.shift()?.(undefined);
  };
  return { gate, probes, changes, connect, reconnects: () => reconnects };
}

describe('store gate', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('starts down without saying so, and opens on the first answered probe', () => {
    const { gate, changes, connect } = setUp();
    expect(gate.isUp).toBe(false);
    expect(changes).toEqual([]);
    connect();
    expect(gate.isUp).toBe(true);
    expect(changes).toEqual(['up']);
  });

  test('skips after three failures in a row, not before, and an answer in between starts the count again', () => {
    const { gate, changes, connect } = setUp();
    connect();
    for (const failures of [2, 2, 3]) {
      for (let i = 0; i < failures; i++) gate.failed('timeout');
      expect(gate.isUp).toBe(failures < 3);
      gate.succeeded();
    }
    expect(changes).toEqual(['up', 'down']);
    expect(gate.state).toMatchObject({ kind: 'down', reason: 'timeout' });
  });

  test('probes every 200 ms while down, one at a time, and comes back by itself', () => {
    const { gate, probes, changes, connect } = setUp();
    connect();
    gate.goDown('connection closed');
    vi.advanceTimersByTime(200);
    expect(probes).toHaveLength(1);
    probes.shift()?.('LOADING');
    expect(gate.isUp).toBe(false);
    vi.advanceTimersByTime(400);
    expect(probes).toHaveLength(1);
    probes.shift()?.(undefined);
    expect(changes).toEqual(['up', 'down', 'down', 'up']); // the second time because the reason is another
    vi.advanceTimersByTime(10_000);
    expect(probes).toHaveLength(0);
  });

  test('a probe without an answer is given up, the connection made anew, and a late answer to it says nothing', () => {
    const { gate, probes, connect, reconnects } = setUp();
    connect();
    gate.goDown('timeout');
    vi.advanceTimersByTime(800);
    expect(reconnects()).toBe(1);
    expect(probes).toHaveLength(2);
    probes[0]?.(undefined);
    expect(gate.isUp).toBe(false);
    probes[1]?.(undefined);
    expect(gate.isUp).toBe(true);
  });

  test('a store that is not there at the start is reported after a second, and again only for another reason', () => {
    const { gate, probes, changes } = setUp();
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(200);
      probes.shift()?.(i < 10 ? 'ECONNREFUSED' : 'WRONGPASS');
      expect(changes).toHaveLength(i < 4 ? 0 : i < 10 ? 1 : 2);
    }
    expect(gate.state).toMatchObject({ kind: 'down', reason: 'WRONGPASS' });
  });

  test('closed, it neither probes nor reports', () => {
    const { gate, probes, changes } = setUp();
    gate.probeNow();
    gate.close();
    probes[0]?.(undefined);
    vi.advanceTimersByTime(10_000);
    expect(probes).toHaveLength(1);
    expect(changes).toEqual([]);
  });
});
