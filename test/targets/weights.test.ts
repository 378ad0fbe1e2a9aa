import { describe, expect, test } from 'vitest';
import { EJECTION, sure, testNode } from './threads.ts';

/** Shares of requests, on a clock of the test; 4,000 draws of a share s lie within 0.04 of it but for one run in 10^6. */

const near = (share: number): unknown => expect.closeTo(share, 1);

describe('weights', () => {
  test('are shares of requests where nothing waits', () => {
    const shares = testNode({ names: ['a', 'b', 'c'], weights: [6, 3, 1] }).shares();
    expect(shares).toEqual({ a: near(0.6), b: near(0.3), c: near(0.1) });
  });

  test('bound what is under way where much is', () => {
    const node = testNode({ names: ['a', 'b'], weights: [3, 1] });
    for (let i = 0; i < 400; i++) node.upstream.pick(node.request('x')).pending++;
    expect(node.target('a').pending / 400).toBeCloseTo(0.75, 1);
    node.target('a').pending = 300; // it swallows what it gets
    node.target('b').pending = 0;
    expect(node.drawn()).toEqual(['b']);
  });

  test('of 0: no new requests, not even where the others refuse connections or probes find all down', () => {
    const node = testNode({ names: ['a', 'b', 'c'], weights: [1, 0, 1] });
    expect(node.drawn(200)).toEqual(['a', 'c']);
    node.say('wrong', 'up', 'wrong');
    expect(node.drawn(200)).toEqual(['a', 'c']);
    node.say('up', 'up', 'up');
    for (const name of ['a', 'c']) node.target(name).skipUntilMs = node.clock.ms + 1_000;
    expect(node.drawn(200)).toEqual(['a', 'c']);
  });

  test('decide whether too little is left', () => {
    const node = testNode({ names: ['a', 'b', 'c'], weights: [8, 1, 1] });
    node.say('up', 'wrong', 'wrong');
    expect(node.drawn(200)).toEqual(['a']);
    node.say('wrong', 'up', 'up');
    expect(node.drawn(400)).toEqual(['a', 'b', 'c']);
  });

  test('of 0 are no targets when it comes to how many may be ejected', () => {
    const node = testNode({ names: ['a', 'b', 'c'], weights: [1, 0, 1] });
    for (let i = 0; i < 20; i++) node.answer('a', 503);
    expect(node.ejected()).toEqual(['a']);
    for (let i = 0; i < 20; i++) node.answer('c', 503);
    expect(node.ejected()).toEqual(['a']);
  });
});

describe('slow start', () => {
  const more = ', slow_start_seconds: 10';

  test('a target that comes back gets more and more', () => {
    const node = testNode({ names: ['a', 'b'], more, ejection: { ...EJECTION, baseMs: 1_000 } });
    expect(node.shares()).toEqual({ a: near(0.5), b: near(0.5) });
    for (let i = 0; i < 5; i++) node.answer('b', 503);
    node.pass(1_000);
    const asking = node.request('x');
    expect(node.upstream.pick(asking)).toBe(node.target('b'));
    sure(node.target('b').ejection).answered(200, asking, node.clock.ms);
    node.pass(0);
    expect(node.shares()['b']).toBeCloseTo(0.1 / 1.1, 1);
    node.pass(5_000);
    expect(node.shares()['b']).toBeCloseTo(0.5 / 1.5, 1);
    node.pass(5_000);
    expect(node.shares()).toEqual({ a: near(0.5), b: near(0.5) });
    node.pass(30 * 86_400_000); // the clock in the memory has come round
    expect(node.shares()).toEqual({ a: near(0.5), b: near(0.5) });
  });

  test('so does one that probes find well again, and one that joins others', () => {
    const node = testNode({ names: ['a', 'b'], more });
    node.say('up', 'wrong');
    node.say('up', 'up');
    node.pass(0);
    expect(node.shares()['b']).toBeLessThan(0.2);
    node.pass(10_000);
    expect(node.shares()['b']).toBeGreaterThan(0.4);
    node.front.assign(['api', 'api http://a']);
    node.front.assign(['api', 'api http://a', 'api http://b']); // the row that was freed last
    node.pass(0);
    expect(node.shares()['b']).toBeLessThan(0.2);
  });

  test('without it a target comes back at once', () => {
    const node = testNode({ names: ['a', 'b'] });
    node.say('up', 'wrong');
    node.say('up', 'up');
    node.pass(0);
    expect(node.shares()).toEqual({ a: near(0.5), b: near(0.5) });
  });
});
