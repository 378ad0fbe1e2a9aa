import { expect, test } from 'vitest';
import { configOf } from '../../../shared/config/test-reading.ts';
import type { WebSocketConfig } from '../../../shared/config/types.ts';
import type { Identity, Verdict } from '../../../shared/identity/identity.ts';
import { createMetricMemory } from '../../../shared/metrics/layout.ts';
import { createHeartbeats } from '../../../shared/threads/heartbeats.ts';
import { AccessLog } from '../access-log.ts';
import type { AccessEntry } from '../access-log.ts';
import { Callers } from '../identity/callers.ts';
import type { Caller } from '../identity/callers.ts';
import type { Overrides } from '../limits/overrides.ts';
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
const routeOf = (name: string): SocketRoute => ({
  name,
  config: CONFIG,
  messageLimit: undefined,
  authentication: undefined,
  metricsStart: 0,
});

interface Thread {
  readonly sockets: ThreadWebSockets;
  readonly lines: AccessEntry[];
  /** When each was told to go, by what it was opened as. */
  readonly told: Map<number, number>;
  readonly open: (count: number, route: string, caller?: Caller) => void;
  readonly overrides: Overrides;
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
  const limits = heldLimits();
  const sockets = new ThreadWebSockets({
    clock: () => nowMs,
    wallClock: () => nowMs,
    random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
    metrics: new ThreadMetrics({ metrics: createMetricMemory(1), slot: 0, metricRows }),
    accessLog,
    onFault: (error) => {
      throw error;
    },
    heartbeats,
    slot,
    most: () => 4,
    gates: limits.gates,
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
    overrides: limits.overrides,
    lines,
    told,
    open: (count, name, caller) => {
      for (let i = 0; i < count; i++) {
        const index = opened++;
        sockets.add({
          client: endOf(index),
          upstream: endOf(index),
          reserved: 'none',
          route: routeOf(name),
          entry: { ...ENTRY, route: name },
          sender: { client: '192.0.2.1', address: '192.0.2.1' },
          caller,
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

const identityOf = (method: Identity['method'], expiresAtMs: number, keyHash = ''): Identity => ({
  consumer: 'acme',
  profile: '',
  groups: [],
  scopes: [],
  method,
  expiresAtMs,
  keyHash,
});
const callers = new Callers(configOf({}).identities);

test('a client whose token or key ends is sent away then, and one that is banned', () => {
  const { sockets, told, open, runUntil, lines, overrides } = setUp();
  open(1, 'a', callers.of(identityOf('jwt', 5_000)));
  open(1, 'a', callers.of(identityOf('api_key', 8_000)));
  open(1, 'a', callers.of(identityOf('jwt', Number.POSITIVE_INFINITY)));
  open(1, 'a');
  runUntil(4_990);
  expect(told.size).toBe(0);
  runUntil(7_000);
  expect([...told.keys()]).toEqual([0]);
  expect(told.get(0)).toBeLessThanOrEqual(6_050);
  runUntil(10_000);
  expect([...told.keys()]).toEqual([0, 1]);
  overrides.replace([['192.0.2.1', 'BANNED', 60_000]]);
  runUntil(12_000);
  expect([...told.keys()]).toEqual([0, 1, 2, 3]);
  runUntil(20_000);
  expect([sockets.open, lines.map((line) => line.close_code)]).toEqual([0, [1008, 1008, 1008, 1008]]);
});

test('a reload sends away who may have none any more', () => {
  const { sockets, told, open, runUntil } = setUp();
  const [kept, disabled] = [identityOf('jwt', 1e9), identityOf('jwt', 1e9)];
  open(1, 'a', callers.of(kept));
  open(1, 'a', callers.of(disabled));
  open(1, 'a');
  const admit = (identity: Identity): Caller | 'credentials_invalid' =>
    identity === disabled ? 'credentials_invalid' : callers.of(identity);
  sockets.apply(
    new Map([
      ['a', { ...routeOf('a'), authentication: { admit, again: (same, done) => done(same), anonymous: true } }],
    ]),
    1_000,
  );
  expect([...told.keys()]).toEqual([1]);
  runUntil(6_000);
  expect(sockets.open).toBe(2);
});

test('keys that have changed are asked about again: refused ones go, and what nobody can say changes nothing', () => {
  const { told, open, runUntil, sockets } = setUp();
  const answers = new Map<string, (verdict: Verdict) => void>();
  const again = ({ keyHash }: Identity, done: (verdict: Verdict) => void): void => void answers.set(keyHash, done);
  sockets.apply(
    new Map([['a', { ...routeOf('a'), authentication: { admit: (who) => callers.of(who), again, anonymous: true } }]]),
    1_000,
  );
  const [gone, unsaid, sooner, other] = ['gone', 'unsaid', 'sooner', 'other'].map((hash) =>
    identityOf('api_key', 1e9, hash),
  ) as [Identity, Identity, Identity, Identity];
  for (const who of [gone, unsaid, sooner, other]) open(1, 'a', callers.of(who));
  // Each is asked about as it opens: its handshake may have taken longer than its key.
  expect([...answers.keys()]).toEqual(['gone', 'unsaid', 'sooner', 'other']);
  for (const done of answers.values()) done('identity_unavailable');
  answers.clear();
  sockets.onKeysChanged(['gone', 'unsaid', 'sooner']);
  expect([...answers.keys()]).toEqual(['gone', 'unsaid', 'sooner']);
  answers.get('gone')?.('credentials_invalid');
  answers.get('unsaid')?.('identity_unavailable');
  answers.get('sooner')?.({ ...sooner, expiresAtMs: 5_000 });
  expect([...told.keys()]).toEqual([0]);
  runUntil(7_000);
  expect([...told.keys()]).toEqual([0, 2]);
  answers.clear();
  sockets.onKeysChanged(undefined);
  expect([...answers.keys()]).toEqual(['unsaid', 'other']);
});
