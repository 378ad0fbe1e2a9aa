import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdminServer } from '../../src/primary/admin/server/server.ts';
import type { AdminServer } from '../../src/primary/admin/server/server.ts';
import { jobOperations } from '../../src/primary/admin/operations/jobs.ts';
import type { Job } from '../../src/primary/jobs/job.ts';
import { jobHistoryAnswer, jobRun, jobsAnswer } from '../../src/shared/admin/jobs.ts';
import { createLog } from '../../src/shared/log.ts';
import { commandIn, expectRefused, parsed } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { quietFor, until } from '../support/wait.ts';
import { redisAt, SELDOM, startNode, testJob } from './test-jobs.ts';
import type { TestNode } from './test-jobs.ts';

const TOKEN = 'an-admin-token-of-tests';

/** The node that is asked can do none of it: another one has to. */
describe('gateway jobs', () => {
  let redis: TestRedis;
  let asked: TestNode;
  let able: TestNode;
  let admin: AdminServer;
  let gateway: Run;

  const jobs = (ability: Job['ability']): readonly Job[] => [
    testJob({
      name: 'copy-things',
      pattern: SELDOM,
      ability,
      run: async ({ report }) => {
        for (const step of ['read', 'read back']) {
          report({ step, doneBytes: 1, totalBytes: 2 });
          await quietFor(800, 'the command looks every 300 ms');
        }
        return { summary: '2 things copied', details: { things: 2 } };
      },
    }),
    testJob({ name: 'no-good', pattern: SELDOM, ability, run: () => Promise.reject(new Error('disk full')) }),
  ];

  beforeAll(async () => {
    redis = await startRedis();
    asked = startNode(
      redisAt(redis.port),
      jobs(() => Promise.resolve('unable')),
      { node: 'asked' },
    );
    able = startNode(
      redisAt(redis.port),
      jobs(() => Promise.resolve('able')),
      { node: 'other' },
    );
    await until(() => able.jobs.list().every(({ ability }) => ability === 'able'));
    admin = await startAdminServer({
      host: '127.0.0.1',
      port: 0,
      operations: jobOperations(asked.jobs, 'on'),
      token: () => ({ kind: 'given', token: TOKEN }),
      log: createLog({ level: 'silent', name: 'jobs' }),
    });
    gateway = commandIn({ ADMIN_PORT: String(admin.port), ADMIN_TOKEN: TOKEN });
  });
  afterAll(async () => {
    await admin.close();
    await asked[Symbol.asyncDispose]();
    await able[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  test('run follows a run that another node does, a line a step, and ends with 0', async () => {
    const { code, stdout, stderr } = await gateway('jobs', 'run', 'copy-things');
    expect(stderr.split('\n').filter((line) => !line.startsWith('runs on'))).toEqual([
      'read (2 B) ...',
      'read back (2 B) ...',
      '',
    ]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^2 things copied \(by other, [\d.]+s\)\n$/)]);
  });

  test('run ends with 1 when it fails, and says why', async () => {
    const { code, stdout } = await gateway('jobs', 'run', 'no-good');
    expect([code, stdout]).toEqual([1, 'It failed on other: disk full\n']);
  });

  test('run --json prints the run as it ended', async () => {
    const run = parsed(jobRun, await gateway('jobs', 'run', 'copy-things', '--json'));
    expect(run).toMatchObject({ state: 'succeeded', node: 'other', details: { things: 2 } });
  });

  test('list and history show what there is', async () => {
    await gateway('jobs', 'run', 'no-good');
    const list = await gateway('jobs');
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(/^copy-things +0 4 29 2 \* +20\d\d-02-29 04:00:00Z/m);
    expect(list.stdout).toContain('(unable here)');
    expect(parsed(jobsAnswer, await gateway('jobs', 'list', '--json')).jobs).toHaveLength(2);
    const history = await gateway('jobs', 'history');
    expect(history.stdout).toMatch(/no-good +hand +failed +1\/1 +other +disk full/);
    const { runs } = parsed(jobHistoryAnswer, await gateway('jobs', 'history', 'no-good', '--json'));
    expect(runs.length).toBeGreaterThanOrEqual(1);
  });

  test('a job that there is not is refused', async () => {
    expectRefused(await gateway('jobs', 'run', 'nothing'), 1, /no such job/);
  });
});
