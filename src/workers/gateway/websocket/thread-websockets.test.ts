import { expect, test } from 'vitest';
import type { WebSocketConfig } from '../../../shared/config/types.ts';
import { createMetricMemory } from '../../../shared/metrics/layout.ts';
import { createHeartbeats } from '../../../shared/threads/heartbeats.ts';
import { AccessLog } from '../access-log.ts';
import type { AccessEntry } from '../access-log.ts';
import { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { heldLimits } from './message-limits.fixture.ts';
import { ThreadWebSockets } from './thread-websockets.ts';
import type { SocketRoute } from './thread-websockets.ts';
import type { TunnelEnd } from './tunnel-end.ts';

const ENTRY = {
  request_id: 'r',
  client: '192.0.2.1',
  method: 'GET',
  path: '/ws',
  route: 'a',
  status: 101,
  upstream_ms: 1,
  target: 'http://o',
};
const CONFIG: WebSocketConfig = {
  maxMessageBytes: 100,
  idleMs: 0,
  maxMs: 0,
  pingMs: 0,
  origins: undefined,
  messageLimits: undefined,
  onMessageRefused: 'close',
};
const routeOf = (name: string): SocketRoute => ({ name, config: CONFIG, messageLimit: undefined, metricsStart: 0 });

interface Thread {
  readonly sockets: ThreadWebSockets;
  readonly lines: AccessEntry[];
  /** When each was told to go, by what it was opened as. */
  readonly told: Map<number, number>;
  readonly open: (count: number, route: string) => void;
  readonly runUntil: (ms: number) => void;
}

function setUp(heartbeats = createHeartbeats(2), slot = 0): Thread {
  let nowMs = 0;
  const lines: AccessEntry[] = [];
  const told = new Map<number, number>();
  const accessLog = new AccessLog(
    { kind: 'on' },
    { write: (entry) => lines.push(entry), dropped: () => {}, skipped: () => {} },
  );
  const metricRows = { route: {}, upstream: {}, rule: {} };
  let seed = 1;
  const sockets = new ThreadWebSockets({
    clock: () => nowMs,
    random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
    metrics: new ThreadMetrics({ metrics: createMetricMemory(1), slot: 0, metricRows }),
    accessLog,
    onFault: (error) => {
      throw error;
    },
    heartbeats,
    slot,
    most: () => 4,
    gates: heldLimits().gates,
  });
  let opened = 0;
  const endOf = (index: number): TunnelEnd => ({
    begin: () => {},
    pass: () => {},
    say: () => void told.set(index, nowMs),
    isBlocked: false,
    bringsPieces: false,
    pauseReading: () => {},
    resumeReading: () => {},
    finish: () => {},
    abandon: () => {},
  });
  return {
    sockets,
    lines,
    told,
    open: (count, name) => {
      for (let i = 0; i < count; i++) {
        const index = opened++;
        sockets.add({
          client: endOf(index),
          upstream: endOf(index),
          reserved: 'none',
          route: routeOf(name),
          entry: { ...ENTRY, route: name },
          sender: { client: '192.0.2.1', address: '192.0.2.1' },
        });
      }
    },
    runUntil: (ms) => {
      for (; nowMs < ms; nowMs += 50) sockets.tick(nowMs);
      accessLog.flush();
    },
  };
}

test('a thousand are told to go over four fifths of the deadline, evenly and in no order', () => {
  const { sockets, told, open, runUntil, lines } = setUp();
  open(1_000, 'a');
  sockets.drain(30_000);
  runUntil(24_050);
  expect(told.size).toBe(1_000);
  const times = [...told.values()];
  for (let from = 0; from < 24_000; from += 500) {
    const inWindow = times.filter((ms) => ms >= from && ms < from + 2_000).length;
    expect(inWindow).toBeLessThanOrEqual(100);
  }
  const order = [...told.keys()];
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  const firstHalf = order.slice(0, 500).filter((index) => index < 500).length;
  expect(firstHalf).toBeGreaterThan(200);
  expect(firstHalf).toBeLessThan(300);
  // Nobody has answered: the last is cut five seconds after it was told.
  runUntil(30_100);
  expect([sockets.open, lines.length]).toEqual([0, 1_000]);
  expect(lines[0]).toMatchObject({ status: 101, outcome: 'websocket', closed_by: 'gateway', close_code: 1001 });
});

test('a reload keeps those whose route lives, and tells the others to go', () => {
  const { sockets, told, open, runUntil } = setUp();
  open(3, 'a');
  open(3, 'b');
  sockets.apply(new Map([['a', routeOf('a')]]), 1_000);
  runUntil(2_000);
  expect([...told.keys()].toSorted((a, b) => a - b)).toEqual([3, 4, 5]);
  expect(sockets.open).toBe(6);
  // One whose handshake began before that.
  open(1, 'b');
  runUntil(2_100);
  expect(told.has(6)).toBe(true);
  // A route that comes back in time keeps what it has.
  sockets.apply(new Map(), 10_000);
  sockets.apply(new Map([['a', routeOf('a')]]), 10_000);
  runUntil(12_000);
  expect([...told.keys()].toSorted((a, b) => a - b)).toEqual([3, 4, 5, 6]);
});

test('all threads and handshakes count together', () => {
  const heartbeats = createHeartbeats(2);
  const [one, other] = [setUp(heartbeats, 0), setUp(heartbeats, 1)];
  one.open(2, 'a');
  other.open(1, 'a');
  expect([one.sockets.hasRoom, other.sockets.hasRoom]).toEqual([true, true]);
  other.sockets.handshaking++;
  expect([one.sockets.hasRoom, other.sockets.hasRoom]).toEqual([false, false]);
  one.sockets.close();
  expect([one.sockets.open, one.sockets.hasRoom, other.sockets.hasRoom]).toEqual([0, true, true]);
});
