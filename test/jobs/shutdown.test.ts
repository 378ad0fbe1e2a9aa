import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/primary/jobs/job.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { stopwatch, until } from '../support/wait.ts';
import { done, redisAt, SELDOM, startNode, testJob } from './test-jobs.ts';

const DEADLINE_MS = 1_500;
/** Of served time; more than the deadline only for what the test itself does. */
const AT_MOST_MS = DEADLINE_MS + 500;
/** Of served time: what a Redis that does not answer is waited for, and what the test itself does. */
const SOON_MS = 3_000;

const states: readonly (readonly [string, (redis: TestRedis) => void])[] = [
  ['up', () => {}],
  ['down', (redis) => redis.kill('SIGKILL')],
  ['hanging', (redis) => redis.kill('SIGSTOP')],
];

/** Heeds its signal. */
const obedient: Job['run'] = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
const deaf: Job['run'] = () => new Promise(() => {});

describe.each(states)('the end with Redis %s', (name, change) => {
  test.each([
    ['nothing runs', undefined],
    ['a run heeds its signal', obedient],
    ['a run does not', deaf],
  ])('comes in time where %s', async (_, run) => {
    await using redis = await startRedis();
    let begun = false;
    const job = testJob({
      pattern: SELDOM,
      run: (now) => {
        begun = true;
        return run?.(now) ?? Promise.resolve(done);
      },
    });
    const node = startNode(redisAt(redis.port), [job]);
    await until(() => node.jobs.list()[0]?.ability === 'able');
    if (run !== undefined) {
      await until(async () => (await node.jobs.run('test-job').catch(() => undefined)) !== undefined);
      await until(() => begun);
    }
    change(redis);
    using watch = stopwatch();
    await node.jobs.close(DEADLINE_MS);
    expect(watch.ms()).toBeLessThan(AT_MOST_MS);
    if (name === 'hanging') redis.kill('SIGCONT');
  });
});

describe.each(states.filter(([name]) => name !== 'up'))('the end with Redis %s', (name, change) => {
  test.each([
    ['a run has ended', () => Promise.resolve(done)],
    ['a run heeds its signal', obedient],
  ])('comes long before the deadline where %s', async (what, run) => {
    await using redis = await startRedis();
    let begun = false;
    const node = startNode(redisAt(redis.port), [
      testJob({ pattern: SELDOM, run: (now) => ((begun = true), run(now)) }),
    ]);
    await until(async () => (await node.jobs.run('test-job').catch(() => undefined)) !== undefined);
    await until(() => begun && (what !== 'a run has ended' || node.jobs.counts.of('test-job').succeeded === 1));
    change(redis);
    using watch = stopwatch();
    await node.jobs.close(30_000);
    expect(watch.ms()).toBeLessThan(SOON_MS);
    if (name === 'hanging') redis.kill('SIGCONT');
  });
});

test('what a node had begun when it was told to end is begun elsewhere at once, and not as another attempt', async () => {
  await using redis = await startRedis();
  const begun: [string, number][] = [];
  const job = (node: string, run: Job['run']): Job =>
    testJob({ pattern: SELDOM, run: (now) => (begun.push([node, now.attempt]), run(now)) });
  const first = startNode(redisAt(redis.port), [job('a', obedient)], { node: 'a' });
  await until(async () => (await first.jobs.run('test-job').catch(() => undefined)) !== undefined);
  await until(() => begun.length === 1);
  await using second = startNode(redisAt(redis.port), [job('b', () => Promise.resolve(done))], { node: 'b' });
  await first.jobs.close(5_000);
  await until(() => second.jobs.counts.of('test-job').succeeded === 1);
  expect(begun).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
});
