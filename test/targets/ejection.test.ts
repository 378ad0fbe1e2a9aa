import { describe, expect, test } from 'vitest';
import { EJECTION, sure, testNode } from './threads.ts';

/** What ejects one target, and what brings it back: several threads that share their memory, on a clock of the test. */

const ABC = ['a', 'b', 'c'] as const;
type Node = ReturnType<typeof testNode>;

interface Failing {
  readonly times: number;
  readonly client?: string;
}

const BY_DEFAULT = '10.0.0.1';
/** So many failures of one client, on one thread after the other. */
function failTimes(node: Node, name: string, { times, client = BY_DEFAULT }: Failing): void {
  for (let slot = 0; slot < times; slot++) node.answer(name, 503, { client, slot });
}

describe('five failures in a row', () => {
  test('on whichever threads eject a target for all of them, and it is said once', () => {
    const node = testNode({ names: ABC, threads: 3 });
    failTimes(node, 'b', { times: 4 });
    expect(node.ejected()).toEqual([]);
    failTimes(node, 'b', { times: 5 });
    expect(node.ejected()).toEqual(['b']);
    for (const slot of [0, 1, 2]) expect(node.drawn(60, '10.0.0.1', slot)).toEqual(['a', 'c']);
    expect(node.posted).toEqual([
      {
        type: 'ejected',
        upstream: 'api',
        target: 'http://b',
        reason: 'status',
        forMs: 10_000,
        times: 1,
        shadow: false,
      },
    ]);
  });

  test('with one success between them do not', () => {
    const node = testNode({ names: ABC, threads: 2 });
    for (let round = 0; round < 5; round++) {
      failTimes(node, 'b', { times: 4 });
      node.answer('b', 200, { client: '10.0.0.9', slot: round });
    }
    expect(node.ejected()).toEqual([]);
  });

  test.each([
    [[500, 501, 505, 404, 429], false],
    [[502, 503, 504, 502, 503], true],
  ])('with statuses %j: %s', (statuses, ejects) => {
    const node = testNode({ names: ABC });
    for (const status of statuses) node.answer('b', status);
    expect(node.ejected()).toEqual(ejects ? ['b'] : []);
  });

  test('of whatever kind', () => {
    const node = testNode({ names: ABC });
    const ejection = sure(node.target('b').ejection);
    ejection.notConnected('upstream_refused', node.clock.ms);
    ejection.unanswered('upstream_reset', node.request('x'), node.clock.ms);
    ejection.unanswered('upstream_headers_timeout', node.request('x'), node.clock.ms);
    ejection.unanswered('upstream_bad_response', node.request('x'), node.clock.ms);
    expect(node.ejected()).toEqual([]);
    ejection.notConnected('upstream_connect_timeout', node.clock.ms);
    expect(node.ejected()).toEqual(['b']);
    expect(node.posted).toMatchObject([{ reason: 'connect_failure' }]);
  });

  test('that are our own, or the client’s, are none', () => {
    const node = testNode({ names: ABC });
    const ejection = sure(node.target('b').ejection);
    for (let i = 0; i < 20; i++) {
      ejection.notConnected('overloaded', node.clock.ms);
      ejection.notConnected('upstream_unresolved', node.clock.ms);
      ejection.unanswered('request_timeout', node.request('x'), node.clock.ms);
      ejection.unanswered('upstream_header_too_large', node.request('x'), node.clock.ms);
      ejection.refused(200, node.request('x'), node.clock.ms);
    }
    expect(node.ejected()).toEqual([]);
  });
});

describe('how many', () => {
  test.each([
    [2, 50, 1],
    [2, 10, 1],
    [3, 50, 1],
    [3, 100, 2],
    [4, 50, 2],
    [5, 0, 0],
  ])('of %i targets at %i per cent: %i', (count, maxPercent, most) => {
    const names = ['a', 'b', 'c', 'd', 'e'].slice(0, count);
    const node = testNode({ names, ejection: { ...EJECTION, maxPercent }, threads: 2 });
    for (const name of names) failTimes(node, name, { times: 20 });
    expect(node.ejected()).toHaveLength(most);
  });

  test('the last one that probes leave is never ejected', () => {
    const node = testNode({ names: ['a', 'b'] });
    node.say('wrong', 'up');
    failTimes(node, 'b', { times: 50 });
    expect(node.ejected()).toEqual([]);
    expect(node.drawn()).toEqual(['b']);
  });

  test('who waits for room is ejected when there is some', () => {
    const node = testNode({ names: ['a', 'b'] });
    failTimes(node, 'a', { times: 5 });
    failTimes(node, 'b', { times: 50 });
    expect(node.ejected()).toEqual(['a']);
    node.pass(10_000);
    const asking = node.request('x');
    expect(node.upstream.pick(asking).name).toBe('http://a');
    node.target('a').ejection?.answered(200, asking, node.clock.ms);
    failTimes(node, 'b', { times: 1 });
    expect(node.ejected()).toEqual(['b']);
  });

  test('with those that probes take out fewer than half are left: all are used', () => {
    const node = testNode({ names: ABC });
    failTimes(node, 'a', { times: 4, client: '10.0.0.2' });
    failTimes(node, 'a', { times: 1 });
    expect(node.drawn()).toEqual(['b', 'c']);
    node.say('up', 'wrong', 'up');
    expect(node.drawn()).toEqual(['a', 'b', 'c']);
    node.say('up', 'up', 'up');
    expect(node.drawn()).toEqual(['b', 'c']);
  });
});

describe('the way back', () => {
  test('is one request, on whichever thread; its success ends it', () => {
    const node = testNode({ names: ABC, threads: 2 });
    failTimes(node, 'b', { times: 5 });
    node.pass(9_900);
    expect(node.drawn(60, '10.0.0.1')).toEqual(['a', 'c']);
    node.pass(100);
    const asking = node.request('10.0.0.1');
    expect([node.upstream.pick(asking).name, asking.trial]).toEqual(['http://b', true]);
    for (const slot of [0, 1]) expect(node.drawn(60, '10.0.0.1', slot)).toEqual(['a', 'c']);
    node.answer('b', 200); // of before the ejection
    expect(node.ejected()).toEqual(['b']);
    node.target('b').ejection?.answered(200, asking, node.clock.ms);
    expect(node.ejected()).toEqual([]);
    expect(node.posted.at(-1)).toEqual({ type: 'returned', upstream: 'api', target: 'http://b' });
    expect(node.drawn(60, '10.0.0.1', 1)).toEqual(['a', 'b', 'c']);
  });

  test('takes longer each time, at most five minutes, and less again after a good time', () => {
    const node = testNode({ names: ABC });
    const tryAgain = (status: number): void => {
      const asking = node.request('10.0.0.1');
      expect(node.upstream.pick(asking).name).toBe('http://b');
      node.target('b').ejection?.answered(status, asking, node.clock.ms);
    };
    failTimes(node, 'b', { times: 5 });
    const lasted: number[] = [];
    for (let times = 1; times <= 32; times++) {
      let ms = 0;
      while (node.upstream.pick(node.request('10.0.0.1')).name !== 'http://b') {
        node.pass(1_000);
        ms += 1_000;
      }
      lasted.push(ms);
      node.target('b').ejection?.giveUp(node.clock.ms);
      tryAgain(503);
    }
    expect(lasted.slice(0, 3)).toEqual([10_000, 20_000, 30_000]);
    expect(lasted.slice(-2)).toEqual([300_000, 300_000]);
    node.pass(300_000);
    tryAgain(200);
    failTimes(node, 'b', { times: 5 });
    expect(node.posted.at(-1)).toMatchObject({ type: 'ejected', forMs: 300_000 });
    node.pass(300_000);
    tryAgain(200);
    node.pass(3_600_000);
    failTimes(node, 'b', { times: 5 });
    expect(node.posted.at(-1)).toMatchObject({ type: 'ejected', times: 1, forMs: 10_000 });
  });

  test('a connection that does not come about fails the trial', () => {
    const node = testNode({ names: ABC });
    failTimes(node, 'b', { times: 5 });
    node.pass(10_000);
    const asking = node.request('x');
    expect(node.upstream.pick(asking).name).toBe('http://b');
    node.target('b').ejection?.notConnected('upstream_refused', node.clock.ms);
    expect(node.posted.at(-1)).toMatchObject({ type: 'ejected', times: 2, reason: 'connect_failure' });
    expect(node.drawn(60, 'somebody else')).toEqual(['a', 'c']);
  });

  test('a trial whose client leaves decides nothing, and one whose thread dies is taken over', () => {
    const node = testNode({ names: ABC, threads: 2 });
    failTimes(node, 'b', { times: 5 });
    node.pass(10_000);
    const first = node.request('x');
    expect(node.upstream.pick(first).name).toBe('http://b');
    node.target('b').ejection?.giveUp(node.clock.ms);
    const second = node.request('y');
    expect(node.upstream.pick(second).name).toBe('http://b'); // and its thread is killed
    expect(node.drawn(60, 'z', 1)).toEqual(['a', 'c']);
    node.pass(60_000);
    expect(node.drawn(1, 'z', 1)).toEqual(['b']);
  });

  test('after an hour of silence nothing has changed', () => {
    const node = testNode({ names: ABC });
    failTimes(node, 'b', { times: 4 });
    node.pass(3_600_000);
    expect(node.drawn()).toEqual(['a', 'b', 'c']);
    failTimes(node, 'b', { times: 1 });
    expect(node.ejected()).toEqual(['b']);
    node.pass(30 * 86_400_000); // the clock in the memory has come round
    node.pass(30 * 86_400_000);
    expect(node.drawn(1)).toEqual(['b']);
  });
});

describe('what one client can bring about', () => {
  const BAD = '10.6.6.6';
  const GOOD = '10.0.0.7';

  test('does not eject while another is served well', () => {
    const node = testNode({ names: ABC, threads: 2 });
    for (let second = 0; second < 60; second++) {
      node.answer('b', 200, { client: GOOD, slot: second });
      failTimes(node, 'b', { times: 50, client: BAD });
      node.pass(1_000);
    }
    expect(node.ejected()).toEqual([]);
  });

  test('also where its own good requests flood those of the other', () => {
    const node = testNode({ names: ABC });
    for (let i = 0; i < 2_000; i++) {
      node.answer('b', 200, { client: BAD });
      if (i % 100 === 50) node.answer('b', 200, { client: GOOD });
      node.pass(1);
    }
    failTimes(node, 'b', { times: 50, client: BAD });
    expect(node.ejected()).toEqual([]);
  });

  test('ejects as soon as another fails as well', () => {
    const node = testNode({ names: ABC });
    node.answer('b', 200, { client: GOOD });
    failTimes(node, 'b', { times: 10, client: BAD });
    expect(node.ejected()).toEqual([]);
    failTimes(node, 'b', { times: 1, client: GOOD });
    expect(node.ejected()).toEqual(['b']);
  });

  test('and one alone is judged by itself; then any other tries at once, one at a time, and decides for all', () => {
    const node = testNode({ names: ABC });
    failTimes(node, 'b', { times: 5, client: BAD });
    expect(node.front.ejection('api http://b')).toMatchObject({ oneClient: true, times: 1 });
    expect(node.drawn(60, BAD)).toEqual(['a', 'c']);
    const other = node.request(GOOD);
    expect(node.upstream.pick(other).name).toBe('http://b');
    expect(node.drawn(60, '10.0.0.8')).toEqual(['a', 'c']);
    node.target('b').ejection?.answered(503, other, node.clock.ms);
    expect(node.front.ejection('api http://b')).toMatchObject({ oneClient: false, times: 1 });
    expect(node.drawn(60, '10.0.0.8')).toEqual(['a', 'c']);
  });

  test('who takes every trial keeps nobody out', () => {
    const node = testNode({ names: ABC });
    failTimes(node, 'b', { times: 5, client: BAD });
    for (let round = 0; round < 5; round++) {
      node.pass(300_000);
      const bad = node.request(BAD);
      expect(node.upstream.pick(bad).name).toBe('http://b');
      node.target('b').ejection?.answered(504, bad, node.clock.ms);
      expect(node.drawn(60, BAD)).toEqual(['a', 'c']);
    }
    const good = node.request(GOOD);
    expect(node.upstream.pick(good).name).toBe('http://b');
    node.target('b').ejection?.answered(200, good, node.clock.ms);
    expect(node.ejected()).toEqual([]);
  });
});

test('shadow counts and says it, and uses the target all the same', () => {
  const node = testNode({ names: ABC, ejection: { ...EJECTION, mode: 'shadow' } });
  failTimes(node, 'b', { times: 12 });
  expect(node.posted).toEqual([
    { type: 'ejected', upstream: 'api', target: 'http://b', reason: 'status', forMs: 10_000, times: 1, shadow: true },
  ]);
  expect(node.drawn()).toEqual(['a', 'b', 'c']);
  node.answer('b', 200);
  expect(node.posted).toHaveLength(1);
  node.pass(10_000);
  node.answer('b', 200);
  expect(node.posted.at(-1)).toMatchObject({ type: 'returned' });
  failTimes(node, 'b', { times: 12 });
  expect(node.posted).toHaveLength(3);
});

test('without a rule, and alone, a target has nothing to be ejected by', () => {
  expect(testNode({ names: ['a'] }).target('a').ejection).toBe(undefined);
  const off = testNode({ names: ABC, ejection: 'never' });
  expect(off.target('a').ejection).toBe(undefined);
});
