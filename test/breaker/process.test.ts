import { describe, expect, test } from 'vitest';
import { OUTCOME } from '../../src/shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../src/shared/breaker/outcome.ts';
import { ASK, REFUSE, UNTRACKED } from '../../src/workers/gateway/breaker/gate.ts';
import { QUICK_RULE, startNode } from './nodes.ts';
import type { TestNode } from './nodes.ts';
import { until } from '../support/wait.ts';

const { FAILURE, SUCCESS, IGNORED, SLOW } = OUTCOME;
const CLIENT = '127.0.0.1';
const callOf = ({ place }: TestNode, token: number) => ({
  breakerPlace: place,
  breakerToken: token,
  breakerClient: CLIENT,
});

describe('one process without Redis', () => {
  test("the runbook's check: of 20 failing requests 5 reach the upstream, and after the time the next good one passes", async () => {
    using node = startNode({ threads: 4 });
    const seen = await node.fail(20);
    expect(seen).toEqual([...Array<number>(5).fill(FAILURE), ...Array<string>(15).fill('refused')]);
    await until(() => node.state() === 'HALF_OPEN');
    expect(await node.succeed(3)).toEqual([SUCCESS, SUCCESS, SUCCESS]);
    await until(() => node.state() === 'CLOSED');
  });

  test('a success on another thread resets the count', async () => {
    using node = startNode();
    await node.fail(4);
    await node.succeed(1);
    await node.fail(4);
    expect(node.state()).toBe('CLOSED');
    await node.fail(1);
    expect(node.state()).toBe('OPEN');
  });

  test('a probe that fails opens it again; only as many probes as successes needed are in flight', async () => {
    using node = startNode({ threads: 4, rule: { halfOpenSuccesses: 2 } });
    await node.fail(5);
    await until(() => node.state() === 'HALF_OPEN');
    let inFlight = 0;
    let most = 0;
    const finish: ((outcome: BreakerOutcome) => void)[] = [];
    const held = () =>
      new Promise<BreakerOutcome>((resolve) => {
        most = Math.max(most, ++inFlight);
        finish.push(resolve);
      });
    const all = Array.from({ length: 40 }, () => node.exchange(held));
    await until(() => finish.length === 2);
    finish[0]?.(FAILURE);
    finish[1]?.(SUCCESS);
    const seen = await Promise.all(all);
    expect(most).toBe(2);
    expect(seen.filter((one) => one === 'refused')).toHaveLength(38);
    await until(() => node.state() === 'OPEN');
  });

  test('results of an older epoch are ignored', async () => {
    using node = startNode();
    const [gate] = node.gates;
    const old = gate?.check(node.place, CLIENT) ?? REFUSE;
    await node.fail(5);
    gate?.outcome(callOf(node, old), SUCCESS);
    expect(node.state()).toBe('OPEN');
    await until(() => node.state() === 'HALF_OPEN');
    for (let i = 0; i < 9; i++) gate?.outcome(callOf(node, old), FAILURE);
    await node.succeed(2);
    for (let i = 0; i < 9; i++) gate?.outcome(callOf(node, old), FAILURE);
    expect(await node.succeed(1)).toEqual([SUCCESS]);
  });

  test('probes aborted by their clients, or lost with their thread, give the permit back', async () => {
    using node = startNode({ rule: { halfOpenSuccesses: 1 } });
    await node.fail(5);
    await until(() => node.state() === 'HALF_OPEN');
    for (let i = 0; i < 5; i++) {
      let seen: unknown;
      await until(async () => (seen = await node.exchange(() => IGNORED)) === IGNORED);
      expect(seen).toBe(IGNORED);
    }
    expect(node.state()).toBe('HALF_OPEN');
    let probes = 0;
    void node.exchange(() => new Promise<BreakerOutcome>(() => probes++), 1);
    await until(() => probes === 1);
    expect(await node.exchange(() => SUCCESS, 0)).toBe('refused');
    node.front.threadGone(1);
    await until(async () => (await node.exchange(() => SUCCESS, 0)) === SUCCESS);
    await until(() => node.state() === 'CLOSED');
  });

  test('a permit that comes when nobody waits any more goes back', async () => {
    using node = startNode({ rule: { halfOpenSuccesses: 1 } });
    await node.fail(5);
    await until(() => node.state() === 'HALF_OPEN');
    const [gate] = node.gates;
    const asked: number[] = [];
    gate?.ask(node.place, CLIENT, (token) => asked.push(token));
    gate?.close();
    expect(asked).toEqual([REFUSE]);
    await until(async () => (await node.exchange(() => SUCCESS, 1)) === SUCCESS);
  });

  test('Retry-After is whole seconds, at least 1', async () => {
    using node = startNode({ rule: { resetTimeoutMs: 2_500 } });
    await node.fail(5);
    expect(node.gates[0]?.retryAfterSeconds(node.place)).toBe(3);
    using soon = startNode({ rule: { resetTimeoutMs: 50 } });
    await soon.fail(5);
    expect(soon.gates[0]?.retryAfterSeconds(soon.place)).toBe(1);
  });

  test('a throwing listener changes nothing', async () => {
    const throws = (): never => {
      throw new Error('a log that cannot write');
    };
    using node = startNode({ listener: throws, onListenerError: throws });
    expect(await node.fail(6)).toEqual([...Array<number>(5).fill(FAILURE), 'refused']);
    await until(() => node.state() === 'HALF_OPEN');
    expect(await node.succeed(2)).toEqual([SUCCESS, SUCCESS]);
    await until(() => node.state() === 'CLOSED');
    await until(() => node.notices.length === 3);
    expect(node.listenerErrors).toEqual([new Error('a log that cannot write')]); // told, and once
  });

  test('shadow lets everything pass, moves as it would, and counts', async () => {
    using node = startNode({ upstream: { mode: 'shadow' } });
    expect(await node.fail(8)).toEqual(Array<number>(8).fill(FAILURE));
    expect(node.state()).toBe('OPEN');
    expect(node.gates[0]?.check(node.place, CLIENT)).toBe(UNTRACKED);
    expect(node.front.view()[0]).toMatchObject({ mode: 'shadow', refused: 4 });
    await until(() => node.state() === 'HALF_OPEN');
    await node.succeed(2);
    await until(() => node.state() === 'CLOSED');
  });

  test('off never opens', async () => {
    using node = startNode({ upstream: { mode: 'off' } });
    expect(node.place).toBe(0);
    expect(await node.fail(20)).toEqual(Array<number>(20).fill(FAILURE));
  });

  test('a reload keeps an open breaker and its place; an upstream that leaves lets its last requests pass', async () => {
    using node = startNode();
    await node.fail(5);
    const base = { mode: 'on' as const, window: undefined };
    const rule = { failureThreshold: 2, resetTimeoutMs: 60_000 };
    const same = { ...base, name: 'api', rule: { ...QUICK_RULE, ...rule } };
    node.front.configure([{ ...same, name: 'new' }, same]);
    const places = { api: node.place, new: node.place + 1 };
    expect(Object.fromEntries(node.front.places())).toEqual(places);
    expect(node.state()).toBe('OPEN');
    node.front.configure([{ ...same, name: 'new' }]);
    expect(await node.fail(9)).toEqual(Array<number>(9).fill(FAILURE));
    node.front.configure(['a', 'b', 'c', 'd', 'e'].map((name) => ({ ...same, name })));
    expect(new Set(node.front.places().values())).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  test('error rate and slow calls over the window, with a minimum volume', async () => {
    const window = { windowMs: 10_000, minVolume: 10, errorRate: 0.5, slowRate: 0 };
    using failing = startNode({ upstream: { window } });
    for (let i = 0; i < 4; i++) await failing.exchange(() => (i % 2 === 0 ? FAILURE : SUCCESS));
    expect(failing.state()).toBe('CLOSED');
    for (let i = 0; i < 7; i++) await failing.exchange(() => (i % 2 === 0 ? FAILURE : SUCCESS));
    expect(failing.state()).toBe('OPEN');
    await until(() => failing.front.view()[0]?.reason === 'error_rate');
    using slow = startNode({ upstream: { window: { ...window, errorRate: 0, slowRate: 0.9 } } });
    for (let i = 0; i < 10; i++) await slow.exchange(() => SLOW);
    await until(() => slow.front.view()[0]?.reason === 'slow_calls');
  });

  test('while closed and succeeding nothing is sent to the front', async () => {
    using node = startNode();
    const [gate] = node.gates;
    const messages: unknown[] = [];
    const receive = node.front.receive.bind(node.front);
    node.front.receive = (thread, message) => {
      messages.push(message);
      receive(thread, message);
    };
    for (let i = 0; i < 1000; i++) gate?.outcome(callOf(node, gate.check(node.place, CLIENT)), SUCCESS);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(messages).toEqual([]);
    expect(gate?.check(node.place, CLIENT)).not.toBe(ASK);
  });
});
