import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Job, JobAbility, JobRun } from '../../src/primary/jobs/job.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { quietFor, until } from '../support/wait.ts';
import { done, redisAt, SELDOM, startNode, testJob } from './test-jobs.ts';
import type { TestNode } from './test-jobs.ts';

/** Both schedules keep the same promises. */
describe.each(['process', 'queue'] as const)('schedule: %s', (kind) => {
  let redis: TestRedis | undefined;
  beforeAll(async () => {
    if (kind === 'queue') redis = await startRedis();
  });
  beforeEach(async () => void (await redis?.client.flushall()));
  afterAll(async () => redis?.[Symbol.asyncDispose]());
  const start = (job: Partial<Job>): TestNode => startNode(redis && redisAt(redis.port), [testJob(job)]);

  test('runs once in every slot, with the time of the slot', async () => {
    const runs: JobRun[] = [];
    await using node = start({
      run: (run) => {
        runs.push(run);
        return Promise.resolve(done);
      },
    });
    await until(() => runs.length >= 3);
    for (const { slotMs, asked, attempt, input } of runs) {
      expect({ inSlot: slotMs % 1000, asked, attempt, input }).toEqual({
        inSlot: 0,
        asked: 'schedule',
        attempt: 1,
        input: undefined,
      });
    }
    expect(new Set(runs.map(({ slotMs }) => slotMs)).size).toBe(runs.length);
    await until(() => node.jobs.list()[0]?.standing?.lastState === 'succeeded');
  });

  test('runs by hand with what was asked for, and keeps what came of it', async () => {
    const runs: JobRun[] = [];
    await using node = start({
      pattern: SELDOM,
      run: (run) => {
        runs.push(run);
        run.report({ step: 'count', doneBytes: 3, totalBytes: 4 });
        return Promise.resolve({ summary: 'counted', details: { to: 3 } });
      },
    });
    const asked = await node.jobs.run('test-job', { full: true });
    expect(asked).toMatchObject({ job: 'test-job', asked: 'hand', state: 'waiting' });
    const follow = () => node.jobs.follow('test-job', asked.id);
    await until(async () => (await follow())?.state === 'succeeded');
    expect(await follow()).toMatchObject({
      node: 'a',
      attempt: 1,
      reason: '',
      result: { summary: 'counted', details: { to: 3 } },
    });
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ asked: 'hand', input: { full: true }, slotMs: asked.slotMs });
    expect((await node.jobs.history('test-job')).map(({ id }) => id)).toEqual([asked.id]);
  });

  test('shows what runs, and how far it is', async () => {
    let finish = (): void => {};
    await using node = start({
      pattern: SELDOM,
      run: async (run) => {
        run.report({ step: 'copy', doneBytes: 1, totalBytes: 2 });
        await new Promise<void>((resolve) => (finish = resolve));
        return done;
      },
    });
    const { id } = await node.jobs.run('test-job');
    await until(async () => (await node.jobs.follow('test-job', id))?.progress !== undefined);
    expect(await node.jobs.follow('test-job', id)).toMatchObject({
      state: 'running',
      attempt: 1,
      progress: { step: 'copy', doneBytes: 1, totalBytes: 2 },
    });
    expect(await node.jobs.history('test-job')).toMatchObject([{ id, state: 'running' }]);
    finish();
    await until(async () => (await node.jobs.follow('test-job', id))?.state === 'succeeded');
  });

  test('tries a slot again, later each time, and keeps the reason', async () => {
    const atMs: number[] = [];
    let firstSlotMs = 0;
    await using node = start({
      pattern: '*/2 * * * * *',
      attempts: 3,
      backoffMs: 100,
      run: ({ attempt, slotMs }) => {
        firstSlotMs ||= slotMs;
        if (slotMs !== firstSlotMs) return Promise.resolve(done);
        atMs.push(performance.now());
        expect(attempt).toBe(atMs.length);
        throw new Error(`no\ngood ${attempt}`);
      },
    });
    await until(() => node.jobs.counts.of('test-job').failed === 1);
    const [first = 0, second = 0, third = 0] = atMs;
    expect(second - first).toBeGreaterThanOrEqual(95);
    expect(third - second).toBeGreaterThanOrEqual(195);
    const failed = async () => (await node.jobs.history('test-job')).find(({ state }) => state === 'failed');
    await until(async () => (await failed()) !== undefined);
    expect(await failed()).toMatchObject({ attempt: 3, attempts: 3, reason: 'no good 3' });
    expect(node.jobs.counts.of('test-job')).toMatchObject({ retried: 2 });
    await until(() => node.jobs.list()[0]?.standing?.lastState === 'succeeded');
  });

  test('never runs a job while it runs', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    await using _ = start({
      run: async () => {
        most = Math.max(most, ++running);
        await quietFor(1_500, 'longer than a slot');
        running--;
        runs++;
        return done;
      },
    });
    await until(() => runs >= 2);
    expect(most).toBe(1);
  });

  test('says so when three slots in a row fail, and when it works again', async () => {
    let works = false;
    await using node = start({
      run: () => (works ? Promise.resolve(done) : Promise.reject(new Error('disk full'))),
    });
    await until(() => node.jobs.list()[0]?.failing === true);
    expect(node.jobs.list()[0]?.standing).toMatchObject({ lastState: 'failed', lastText: 'disk full' });
    expect(node.jobs.counts.of('test-job').failed).toBeGreaterThanOrEqual(3);
    expect(node.failing.at(-1)).toEqual([
      expect.stringMatching(/^job test-job has failed \d+ times in a row: disk full$/),
    ]);
    works = true;
    await until(() => node.jobs.list()[0]?.failing === false);
    expect(node.failing.at(-1)).toEqual([]);
  });

  test('leaves runs that it is unable to do, and takes them when it is able', async () => {
    let ability: JobAbility = 'unable';
    let runs = 0;
    await using node = start({
      ability: () => Promise.resolve(ability),
      run: () => {
        runs++;
        return Promise.resolve(done);
      },
    });
    await quietFor(1_500, 'a slot goes by, and nothing runs');
    expect(runs).toBe(0);
    expect(node.jobs.list()[0]?.ability).toBe('unable');
    ability = 'able';
    await until(() => runs > 0);
  });

  test('a run is aborted when the process ends, and the end waits for it', async () => {
    let aborted = false;
    let begun = false;
    const node = start({
      pattern: SELDOM,
      run: ({ signal }) =>
        new Promise((_, reject) => {
          begun = true;
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('aborted'));
          });
        }),
    });
    await node.jobs.run('test-job');
    await until(() => begun);
    await node.jobs.close(5_000);
    expect(aborted).toBe(true);
  });

  test('a run that does not heed its signal does not hold up the end', async () => {
    let begun = false;
    const node = start({
      pattern: SELDOM,
      run: () => {
        begun = true;
        return new Promise(() => {});
      },
    });
    await node.jobs.run('test-job');
    await until(() => begun);
    const startMs = performance.now();
    await node.jobs.close(1_000);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(400);
  });

  test('keeps only a few runs of a job that runs often', async () => {
    await using node = start({});
    await until(() => node.jobs.counts.of('test-job').succeeded >= 5);
    const ended = (await node.jobs.history('test-job')).filter(({ state }) => state === 'succeeded');
    expect(ended.length).toBeLessThanOrEqual(3);
  });
});
