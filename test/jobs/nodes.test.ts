import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { startChildNodes } from './child-nodes.ts';
import { redisAt } from './test-jobs.ts';

const NAMES = ['a', 'b', 'c'];

test('three nodes, twenty slots: one run each', async () => {
  await using redis = await startRedis();
  const plan = { redis: redisAt(redis.port), names: NAMES, pattern: '* * * * * *', runMs: 50 };
  await using nodes = await startChildNodes(plan);
  await until(() => nodes.begun.length >= 20, { withinMs: 100_000 });
  const begun = nodes.begun.toSorted((a, b) => a.slotMs - b.slotMs);
  const slots = begun.map(({ slotMs }) => slotMs);
  expect(slots).toEqual([...new Set(slots)]);
  expect(slots.every((slotMs) => slotMs % 1000 === 0)).toBe(true);
  // One is left out where it comes while the one before is late still, as on a busy machine some are; most are not.
  const span = ((slots.at(-1) ?? 0) - (slots[0] ?? 0)) / 1_000 + 1;
  expect(span).toBeLessThan(2 * slots.length);
});

test('the node that runs the job is killed: the run is begun again elsewhere within two intervals', async () => {
  await using redis = await startRedis();
  const intervalMs = 4_000;
  const plan = { redis: redisAt(redis.port), names: NAMES, pattern: '*/4 * * * * *', runMs: 60_000 };
  await using nodes = await startChildNodes(plan);
  await until(() => nodes.begun.length === 1);
  const [first] = nodes.begun;
  nodes.kill(first?.node ?? '', 'SIGKILL');
  await until(() => nodes.begun.length === 2, { withinMs: 2 * intervalMs, describe: () => nodes.begun });
  const second = nodes.begun[1];
  expect(second).toMatchObject({ slotMs: first?.slotMs, attempt: 1 });
  expect(second?.node).not.toBe(first?.node);
});

test.each(['succeeded', 'failed'])(
  'a node that is frozen in its run, and wakes up when another has had it, tells nobody that it has %s',
  async (state) => {
    await using redis = await startRedis();
    const plan = { redis: redisAt(redis.port), pattern: '*/4 * * * * *', runMs: 0, fails: state === 'failed' };
    await using late = await startChildNodes({ ...plan, names: ['late'], freezes: true });
    await until(() => late.begun.length === 1);
    await using other = await startChildNodes({ ...plan, names: ['other'] });
    await until(() => other.told.length > 0, { withinMs: 60_000 });
    const run = `repeat:sweep:${late.begun[0]?.slotMs}`;
    expect(other.told[0]).toEqual({ node: 'other', run, state });
    other.kill('other', 'SIGTERM');
    late.kill('late', 'SIGCONT');
    // It has one run at a time: once it begins another one, this one is over.
    await until(() => late.begun.length === 2, { withinMs: 60_000 });
    expect(late.told.map((told) => told.run)).not.toContain(run);
  },
  180_000,
);

test('nodes that end in order leave nothing behind that would hold up the others', async () => {
  await using redis = await startRedis();
  const plan = { redis: redisAt(redis.port), names: NAMES, pattern: '* * * * * *', runMs: 60_000 };
  await using nodes = await startChildNodes(plan);
  await until(() => nodes.begun.length === 1);
  nodes.kill(nodes.begun[0]?.node ?? '', 'SIGTERM');
  await until(() => nodes.begun.length === 2);
  nodes.kill(nodes.begun[1]?.node ?? '', 'SIGTERM');
  await until(() => nodes.begun.length === 3);
  expect(new Set(nodes.begun.map(({ node }) => node)).size).toBe(3);
  expect(new Set(nodes.begun.map(({ slotMs }) => slotMs)).size).toBe(1);
});
