import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NO_OVERLOAD } from '../../shared/admin/overload.ts';
import type { NodesAnswer, StatusAnswer } from '../../shared/admin/status.ts';
import type { NodeVitals } from '../../shared/admin/vitals.ts';
import { adviceOn } from './advice.ts';
import { findings, otherNodes, ProblemClock } from './problems.ts';

const QUIET = { requests: 0, errors5xx: 0 };
const status = (part: Partial<StatusAnswer>) =>
  ({
    verdict: 'degraded',
    reasons: [],
    unreachable: [],
    overload: NO_OVERLOAD,
    certificates: [],
    ...part,
  }) as unknown as StatusAnswer;

const RUNBOOK = readFileSync(new URL('../../../RUNBOOK.md', import.meta.url), 'utf8');

test.each([
  ['circuit breakers: Redis cannot be reached (ECONNREFUSED)', 'Redis Down'],
  ['rate limits: Redis is not asked (timeout)', 'Redis Down'],
  ['rate limits: Redis has no memory left, so new clients share buckets', 'Redis Memory Critical'],
  ['the circuit breaker of api is OPEN (consecutive_failures)', 'Circuit Breaker Stuck Open'],
  ['upstream api: probes leave 1 of 3 targets, fewer than half, so all are used', 'Upstream Panic'],
  ['connections to http://a of upstream b fail: connect ECONNREFUSED', 'High Error Rate'],
  ["12 % of the last minute's answers are 5xx", 'High Error Rate'],
  ['job redis-backup has failed three times', 'Failing Jobs'],
  ['refused in the last minute: 9 because an upstream had no room (as many … at redis)', 'Requests Shed'],
  ['issuer main: its keys cannot be had (connect ECONNREFUSED), its tokens get 503', 'Issuer Keys'],
  ['the certificate for redis.example ends on 2026-11-29', 'Certificate Expires'],
  ['the last run of job redis-backup failed: no room', 'Failing Jobs'],
  ['0 of 2 request threads serve', 'Service Down'],
  ['the last reload was refused; configuration version 3 stays in use', 'Configuration'],
  ['something that nobody has thought of', 'Service Down'],
])('%s: the runbook has a section', (reason, section) => {
  expect(adviceOn(reason).section).toBe(section);
  expect(RUNBOOK).toContain(`### ${section}\n`);
});

test('a target that a reason names already is not told of twice', () => {
  const unreachable = [{ upstream: 'api', target: 'http://a:1', code: 'x', reason: 'connect ECONNREFUSED' }];
  expect(findings(status({ unreachable }), QUIET)).toHaveLength(1);
  expect(findings(status({ unreachable, reasons: ['upstream api: http://a:1 is away'] }), QUIET)).toHaveLength(1);
});

test('errors are a problem when they are many among many', () => {
  expect(findings(status({}), { requests: 100, errors5xx: 6 })).toEqual([
    { text: "6 % of the last minute's answers are 5xx", severity: 'bad' },
  ]);
  expect(findings(status({}), { requests: 100, errors5xx: 5 })).toEqual([]);
  expect(findings(status({}), { requests: 3, errors5xx: 3 })).toEqual([]);
});

test('a certificate is a problem before it ends, and a bad one when it ends soon', () => {
  const days = (name: string, left: number) => ({
    name,
    endsAt: '2026-11-29T10:00:00.000Z',
    leftSeconds: left * 86_400,
  });
  const certificates = [days('far.example', 15), days('a.example', 13), days('b.example', 1), days('', -1)];
  expect(findings(status({ certificates }), QUIET)).toEqual([
    { text: 'the certificate for a.example ends on 2026-11-29', severity: 'warn' },
    { text: 'the certificate for b.example ends on 2026-11-29', severity: 'bad' },
    { text: 'the certificate for clients ended on 2026-11-29', severity: 'bad' },
  ]);
});

test('what is shed for a minute is worth a word, and is no fault of the gateway', () => {
  const overload = {
    shed: { upstream: 9, client: 5, loop: 0, connections: 6 },
    upstreams: [
      { upstream: 'orders', max: 3, inFlight: 3, waiting: 4 },
      { upstream: 'other', max: 3, inFlight: 1, waiting: 0 },
    ],
  };
  const [first, second, ...more] = findings(status({ overload }), QUIET);
  expect(first).toEqual({
    text: 'refused in the last minute: 9 because an upstream had no room (as many as may be are under way at orders)',
    severity: 'warn',
  });
  expect(second?.text).toContain('6 because one address made too many connections a second');
  expect(more).toEqual([]);
  const vitals = { verdict: 'ok', reasons: [first?.text], configDigest: 1 } as unknown as NodeVitals;
  const nodes = [{ name: 'b', self: false, vitals }] as unknown as NodesAnswer['nodes'];
  expect(otherNodes({ scope: 'cluster', nodes })).toEqual([{ ...first, node: 'b' }]);
});

test('other nodes speak for themselves, and another configuration is said', () => {
  const vitals = (part: Partial<NodeVitals>) =>
    ({ verdict: 'ok', reasons: [], configDigest: 1, ...part }) as NodeVitals;
  const nodes = [
    { name: 'a', self: true, vitals: vitals({ reasons: ['own'] }) },
    { name: 'b', self: false, vitals: vitals({ verdict: 'degraded', reasons: ['away'], configDigest: 2 }) },
    { name: 'jobs', self: false, jobsOnly: true, vitals: vitals({ configDigest: 3 }) },
    { name: 'old', self: false },
  ] as unknown as NodesAnswer['nodes'];
  expect(otherNodes({ scope: 'cluster', nodes })).toEqual([
    { text: 'away', severity: 'bad', node: 'b' },
    { text: expect.stringContaining('another configuration'), severity: 'warn', node: 'b' },
  ]);
});

test('a problem is as old as it is, whatever numbers it shows meanwhile', () => {
  const clock = new ProblemClock(1);
  const serve = (n: number) => ({ text: `${n} of 4 request threads serve`, severity: 'bad' as const });
  expect(clock.okSinceMs).toBe(1);
  expect(clock.look([serve(3)], 10)).toEqual([10]);
  expect(clock.look([serve(2), { text: 'more', severity: 'bad' }], 20)).toEqual([10, 20]);
  expect(clock.okSinceMs).toBeUndefined();
  expect(clock.look([], 30)).toEqual([]);
  expect(clock.okSinceMs).toBe(30);
  expect(clock.look([serve(3)], 40)).toEqual([40]);
  const breaker = (state: string) => ({ text: `the circuit breaker of a is ${state}`, severity: 'bad' as const });
  expect(clock.look([breaker('OPEN (error_rate)')], 50)).toEqual([50]);
  expect(clock.look([breaker('HALF_OPEN')], 60)).toEqual([50]);
  expect(clock.look([breaker('OPEN (probe_failed)')], 70)).toEqual([50]);
});
