import { expect, test } from 'vitest';
import { operationTable } from './operation-table.ts';
import { jobHistoryAnswer, jobRun, jobsAnswer } from '../../src/shared/admin/jobs.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { redisAt, SELDOM, startNode, testJob } from './test-jobs.ts';

test.each(['process', 'queue'])('jobs are listed, run and followed by the admin API: %s', async (kind) => {
  await using redis = kind === 'queue' ? await startRedis() : undefined;
  await using node = startNode(redis && redisAt(redis.port), [
    testJob({
      pattern: SELDOM,
      run: ({ input, report }) => {
        report({ step: 'look' });
        if (input !== undefined) throw new Error('cannot');
        return Promise.resolve({ summary: 'seen', details: { things: 3 } });
      },
    }),
  ]);
  const call = operationTable(node.jobs);
  await until(() => node.jobs.list()[0]?.ability === 'able');
  const follow = async (input?: Record<string, unknown>) => {
    const asked = await call('runJob', { job: 'test-job' }, input === undefined ? {} : { input });
    expect(asked.status).toBe(202);
    const { id } = jobRun.strict().parse(asked.json);
    const run = async () => jobRun.strict().parse((await call('getJobRun', { job: 'test-job', run: id })).json);
    await until(async () => ['succeeded', 'failed'].includes((await run()).state));
    return run();
  };
  expect(await follow()).toMatchObject({ state: 'succeeded', summary: 'seen', details: { things: 3 }, node: 'a' });
  expect(await follow({ what: 'wrong' })).toMatchObject({ state: 'failed', reason: 'cannot', attempt: 1 });
  const history = jobHistoryAnswer.strict().parse((await call('jobHistory', { job: 'test-job' })).json);
  expect(history.runs.map(({ state }) => state)).toEqual(['failed', 'succeeded']);
  const list = jobsAnswer.strict().parse((await call('listJobs', {})).json);
  expect(list).toMatchObject({ mode: 'on', scope: kind === 'queue' ? 'cluster' : 'node' });
  expect(list.jobs).toMatchObject([{ name: 'test-job', last: { state: 'failed', text: 'cannot' }, failing: false }]);
  expect((await call('getJobRun', { job: 'test-job', run: 'none' })).status).toBe(404);
  expect((await call('runJob', { job: 'none' }, {})).status).toBe(404);
});

test('while the Redis of the jobs is away, what needs it is refused, and says why', async () => {
  await using redis = await startRedis();
  await using node = startNode(redisAt(redis.port), [testJob({ pattern: SELDOM })]);
  const call = operationTable(node.jobs);
  await until(() => node.jobs.list()[0]?.ability === 'able');
  redis.kill('SIGKILL');
  await until(async () => (await call('jobHistory', { job: 'test-job' })).status === 503);
  for (const [id, body] of [
    ['jobHistory', undefined],
    ['getJobRun', undefined],
    ['runJob', {}],
  ] as const) {
    const { status, json } = await call(id, { job: 'test-job', run: 'r' }, body);
    expect([id, status, json['code']]).toEqual([id, 503, 'jobs_unavailable']);
    expect(json['detail']).toMatch(/^the Redis of the jobs cannot be asked: /);
  }
  expect((await call('listJobs', {})).status).toBe(200);
});
