import { expect, test } from 'vitest';
import { UnreachableTargets } from './unreachable-targets.ts';

const WHERE = { upstream: 'api', target: 'https://10.0.0.1' } as const;
const EXPIRED = {
  ...WHERE,
  code: 'upstream_tls_failed',
  reason: 'certificate has expired (CERT_HAS_EXPIRED)',
} as const;

function setUp() {
  const clock = { ms: 1_000 };
  const logged: unknown[] = [];
  const log = { warn: (entry: unknown) => logged.push(entry), info: (entry: unknown) => logged.push(entry) };
  const targets = new UnreachableTargets(log as never, () => clock.ms);
  const failed = (slot: number, what: typeof EXPIRED | Record<string, string> = EXPIRED): void =>
    targets.receive(slot, { type: 'unreachable', ...what } as never);
  return { clock, logged, targets, failed };
}

test('what several threads say is one trouble and one line in the log, until all of them connect', () => {
  const { failed, logged, targets } = setUp();
  failed(0);
  failed(1);
  failed(0);
  expect([targets.all(), logged]).toEqual([[EXPIRED], [EXPIRED]]);
  expect(targets.reasons()).toEqual([
    'upstream api cannot be connected to: https://10.0.0.1: certificate has expired (CERT_HAS_EXPIRED)',
  ]);
  targets.receive(0, { type: 'reachable', ...WHERE });
  expect(targets.all()).toHaveLength(1);
  targets.threadGone(1);
  expect([targets.all(), logged]).toEqual([[], [EXPIRED, WHERE]]);
});

test('another reason is logged at once, the same one after a minute', () => {
  const { clock, failed, logged } = setUp();
  const other = { ...EXPIRED, reason: 'self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)' };
  failed(0);
  failed(0, other);
  clock.ms += 59_999;
  failed(0, other);
  expect(logged).toEqual([EXPIRED, other]);
  clock.ms += 1;
  failed(0, other);
  expect(logged).toEqual([EXPIRED, other, other]);
});

test('what nobody says any more is forgotten', () => {
  const { clock, failed, targets } = setUp();
  failed(0);
  clock.ms += 60_001;
  expect(targets.all()).toEqual([]);
});

test('a server that refuses is in the list, and no reason for the node’s verdict', () => {
  const { failed, targets } = setUp();
  failed(0, { ...WHERE, code: 'upstream_refused', reason: 'connect ECONNREFUSED 10.0.0.1:443' });
  expect([targets.all().length, targets.reasons()]).toEqual([1, []]);
});
