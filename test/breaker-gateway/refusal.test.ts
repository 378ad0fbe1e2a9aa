import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Gateway } from '../support/gateway.ts';
import { startNode, untilSeen } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { quietFor, until } from '../support/wait.ts';

let upstream: ScriptedUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await scriptedUpstream();
  gateway = await startNode({
    upstream,
    breaker: '{ failure_threshold: 2, reset_timeout_seconds: 7.2, half_open_success_threshold: 1 }',
  });
  upstream.behaviour = 503;
  await statuses(gateway, 2);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe('the answer of an open breaker', () => {
  test('is a problem of its own kind, and says when to come again', async () => {
    const { status, headers, body } = await get(gateway.port);
    expect(status).toBe(503);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({
      status: 503,
      code: 'circuit_open',
      request_id: headers['x-request-id'],
    });
    expect(headers['x-circuit-breaker']).toBe('OPEN');
    expect(headers['retry-after']).toMatch(/^[1-8]$/);
    expect(upstream.calls).toHaveLength(2);
  });

  test('a 503 of the upstream itself is passed on as it came', async () => {
    await using other = await scriptedUpstream();
    other.behaviour = 503;
    await using node = await startNode({ upstream: other });
    const { status, headers, body } = await get(node.port);
    expect([status, body, headers['content-type']]).toEqual([503, 'upstream says 503\n', 'text/plain']);
    expect(headers).not.toHaveProperty('x-circuit-breaker');
    expect(headers).not.toHaveProperty('retry-after');
  });

  test('Retry-After goes down to 1, never below; then one probe passes and all others hear HALF_OPEN', async () => {
    const waits: number[] = [];
    let probe: Promise<unknown> = Promise.resolve();
    upstream.behaviour = 'hold';
    upstream.clear();
    const held = heldBy(upstream);
    while (upstream.calls.length === 0) {
      // Nobody knows beforehand which request is let through: it stays, and the loop goes on beside it.
      const reply = get(gateway.port);
      const refused = await Promise.race([reply, held]);
      if (refused === undefined) probe = reply;
      else waits.push(Number(refused.headers['retry-after']));
      await quietFor(10, 'the wait that is told goes down meanwhile');
    }
    expect(waits.at(-1)).toBe(1);
    expect(Math.min(...waits)).toBe(1);
    expect(waits).toEqual(waits.toSorted((a, b) => b - a));
    const beside = await get(gateway.port);
    expect(beside.status).toBe(503);
    expect(beside.headers).toMatchObject({ 'x-circuit-breaker': 'HALF_OPEN', 'retry-after': '1' });
    expect(JSON.parse(beside.body)).toMatchObject({ code: 'circuit_open' });
    upstream.release();
    expect(await probe).toMatchObject({ status: 200 });
    upstream.behaviour = 200;
    await untilSeen([gateway], 'passed');
    expect(await statuses(gateway, 3)).toEqual([200, 200, 200]);
  });
});

/** Resolves when the upstream holds a request. */
async function heldBy(at: ScriptedUpstream): Promise<undefined> {
  await until(() => at.calls.length > 0);
}
