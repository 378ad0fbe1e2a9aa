import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { TrafficAnswer } from '../../shared/admin/status.ts';
import { ratesBetween } from './rates.ts';

const traffic = (part: Partial<TrafficAnswer>): TrafficAnswer => ({
  node: 'a',
  atMs: 1_000,
  requests: 0,
  errors5xx: 0,
  refused429: 0,
  inFlight: 0,
  openConnections: 0,
  bytesReceived: 0,
  bytesSent: 0,
  duration: { edgesSeconds: [0.01, 0.1, 1], counts: [0, 0, 0, 0] },
  routes: [],
  webSockets: [],
  ...part,
});
const durations = (...counts: number[]): TrafficAnswer['duration'] => ({ edgesSeconds: [0.01, 0.1, 1], counts });

describe('between two looks', () => {
  test('rates are per second, of the requests since the first', () => {
    const before = traffic({ requests: 100, errors5xx: 5, routes: [route('x', 100)] });
    const after = traffic({ atMs: 3_000, requests: 300, errors5xx: 7, routes: [route('x', 110), route('y', 190)] });
    expect(ratesBetween(before, after)).toMatchObject({
      seconds: 2,
      requests: 100,
      errors5xx: 1,
      refused429: 0,
      routes: [
        { route: 'y', requests: 95 },
        { route: 'x', requests: 5 },
      ],
    });
  });

  test('rates of WebSockets are per route, but how many are open is as it is now', () => {
    const of = (route: string, messages: number) => ({
      route,
      open: 3,
      opened: messages,
      messagesReceived: messages,
      messagesSent: 2 * messages,
      messagesRefused: 0,
      bytesReceived: 10 * messages,
      bytesSent: 0,
    });
    const before = traffic({ webSockets: [of('x', 100)] });
    const after = traffic({ atMs: 3_000, webSockets: [of('x', 110), of('y', 100)] });
    expect(ratesBetween(before, after)?.webSockets).toMatchObject([
      { route: 'y', open: 3, opened: 50, messagesReceived: 50, messagesSent: 100, bytesReceived: 500 },
      { route: 'x', open: 3, opened: 5, messagesReceived: 5, messagesSent: 10, bytesReceived: 50 },
    ]);
  });

  test('percentiles are of the requests between, spread evenly in their bucket', () => {
    const before = traffic({ duration: durations(1_000, 0, 0, 0) });
    const after = traffic({ atMs: 2_000, requests: 100, duration: durations(1_050, 40, 10, 0) });
    const { p50, p95, p99 } = ratesBetween(before, after)?.percentiles ?? {};
    expect(p50?.seconds).toBeCloseTo(0.01);
    expect(p95?.seconds).toBeCloseTo(0.1 + 0.9 * 0.5);
    expect(p99?.seconds).toBeCloseTo(0.1 + 0.9 * 0.9);
  });

  test('what is slower than the highest edge is only known to be above it', () => {
    const after = traffic({ atMs: 2_000, requests: 10, duration: durations(0, 0, 0, 10) });
    expect(ratesBetween(traffic({}), after)?.percentiles?.p50).toEqual({ seconds: 1, above: true });
  });

  test('without requests there are no percentiles', () => {
    expect(ratesBetween(traffic({}), traffic({ atMs: 2_000 }))?.percentiles).toBeUndefined();
  });

  test.each([
    ['another node answers', { node: 'b', atMs: 2_000 }],
    ['its clock began anew', { atMs: 500 }],
    ['its counts began anew', { atMs: 2_000, requests: 3 }],
  ])('there are none when the gateway was started again: %s', (_why, after) => {
    expect(ratesBetween(traffic({ requests: 10 }), traffic(after))).toBeUndefined();
  });

  test.prop([fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 })])('percentiles are in order', (counts) => {
    const after = traffic({ atMs: 2_000, requests: 1, duration: durations(...counts) });
    const { p50, p95, p99 } = ratesBetween(traffic({}), after)?.percentiles ?? {};
    expect(p50 === undefined).toBe(counts.every((each) => each === 0));
    expect(p50?.seconds ?? 0).toBeLessThanOrEqual(p95?.seconds ?? 0);
    expect(p95?.seconds ?? 0).toBeLessThanOrEqual(p99?.seconds ?? 0);
  });
});

const route = (name: string, requests: number): TrafficAnswer['routes'][number] => ({
  route: name,
  requests,
  errors5xx: 0,
  refused429: 0,
});
