import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { startLoad } from './load.ts';
import { BREAKER_KEY, startNodes, statusAt, stopAll, untilSeen, untilShared } from './setup.ts';
import { statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const NODES = 8;
const THRESHOLD = 5;
const PERMITS = 6;
const upstream = await scriptedUpstream();
const redis = await startRedis();
const nodes = await startNodes(NODES, {
  upstream,
  redis,
  breaker: `{ failure_threshold: ${THRESHOLD}, reset_timeout_seconds: 1, half_open_success_threshold: ${PERMITS} }`,
});
await Promise.all(nodes.map(untilShared));
const ports = nodes.map(({ port }) => port);

afterAll(async () => {
  await stopAll(nodes);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const movesTo = (node: Gateway, to: string) =>
  node.log.filter((line) => String(line['msg']).startsWith('circuit breaker ') && line['to'] === to);

/** By hand, with keyspace events so that it takes no second; openings are measured without them. */
async function closeAll(): Promise<void> {
  upstream.behaviour = 200;
  await redis.client.config('SET', 'notify-keyspace-events', 'KEA');
  await redis.client.del(BREAKER_KEY);
  await untilSeen(nodes, 'passed');
  await redis.client.config('SET', 'notify-keyspace-events', '');
}

/** So many openings; the gateways' own log says when each node began to refuse, in ms of the machine's one clock. */
async function openingsSeen(count: number): Promise<void> {
  await eventually(
    () => nodes.every((node) => movesTo(node, 'OPEN').length >= count),
    `opening ${count} is everywhere`,
  );
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

describe('eight gateways on one Redis', () => {
  beforeEach(closeAll);

  test('an opening reaches the last node within milliseconds', async ({ annotate }) => {
    const opened = Math.max(...nodes.map((node) => movesTo(node, 'OPEN').length));
    const took: number[] = [];
    for (let i = 1; i <= 20; i++) {
      const node = nodes[i % NODES];
      if (node === undefined) throw new Error('unreachable');
      upstream.behaviour = 500;
      // The first failures anywhere, the last one here; nothing else is under way.
      for (let n = 0; n < THRESHOLD; n++) expect(await statusAt(nodes[(i + n) % NODES] ?? node)).toBe(500);
      const crossedMs = performance.timeOrigin + upstream.lastFailureMs;
      await openingsSeen(opened + i);
      const refusing = nodes.map((each) => Date.parse(String(movesTo(each, 'OPEN')[opened + i - 1]?.['time'])));
      took.push(Math.max(...refusing) - crossedMs);
      await closeAll();
    }
    const sorted = ascending(took).map((ms) => Math.max(0, Math.round(ms)));
    await annotate(`last of ${NODES} nodes refuses after ${sorted[10]} ms (median), ${sorted.at(-1)} ms (worst of 20)`);
    // By the re-read of every second alone the last of eight nodes would come after most of that second.
    expect(sorted[10]).toBeLessThan(400);
  });

  test('under 500 failing requests a second few reach the dead upstream after the opening', async ({ annotate }) => {
    upstream.clear();
    const opened = Math.max(...nodes.map((node) => movesTo(node, 'OPEN').length));
    const late: number[] = [];
    for (let i = 1; i <= 5; i++) {
      upstream.clear();
      const load = startLoad(ports, 500);
      upstream.behaviour = 500;
      await openingsSeen(opened + i);
      await load.stop();
      // The load began with an upstream that is dead: the fifth call is the one that crosses the threshold.
      late.push(upstream.calls.length - THRESHOLD);
      await closeAll();
    }
    await annotate(`requests at the dead upstream after the failure that opens: ${late.join(', ')}`);
    // 500 a second: by the re-read alone it would be hundreds, each time.
    expect(ascending(late)[2]).toBeLessThan(100);
  });

  test('1,000 requests a second half open: probes never exceed the permits, then it closes', async ({ annotate }) => {
    upstream.behaviour = 500;
    await Promise.all(nodes.map((node) => statuses(node, 1)));
    await untilSeen(nodes, 'OPEN');
    let afterClosing = 0;
    let worst = 0;
    const load = startLoad(ports, 1_000);
    await eventually(() => (load.seen.get(503) ?? 0) > 500, 'many are refused');
    // Twice the third probe fails and it opens again; then all succeed.
    for (const fails of [true, true, false]) {
      await eventually(() => upstream.inFlight === 0, 'probes of the last round are over');
      upstream.clear();
      upstream.behaviour = (response, { inFlight, answeredBefore }) => {
        if (answeredBefore < PERMITS) worst = Math.max(worst, inFlight + answeredBefore);
        else afterClosing++;
        const status = fails && upstream.calls.length === 3 ? 500 : 200;
        setTimeout(() => response.writeHead(status).end(), 30);
      };
      const to = fails ? 'OPEN' : 'CLOSED';
      const before = nodes.map((node) => movesTo(node, to).length);
      const moved = (node: Gateway, i: number): boolean => movesTo(node, to).length > (before[i] ?? 0);
      await eventually(() => nodes.every(moved), `every node moves to ${to}`);
    }
    await untilSeen(nodes, 'passed');
    await load.stop();
    await annotate(
      `most probes under way or counted at once: ${worst} of ${PERMITS}; answers ${JSON.stringify([...load.seen])}`,
    );
    expect(worst).toBeLessThanOrEqual(PERMITS);
    expect(afterClosing).toBeGreaterThan(0); // the load flows again
    expect(load.seen.get(0)).toBeUndefined();
  });
});
