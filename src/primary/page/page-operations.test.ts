import { expect, test } from 'vitest';
import { NO_OVERLOAD } from '../../shared/admin/overload.ts';
import type { PageAnswer } from '../../shared/admin/page.ts';
import type { StatusAnswer } from '../../shared/admin/status.ts';
import { monotonicMs } from '../../shared/clock.ts';
import { json } from '../admin/contract/answer.ts';
import { operation } from '../admin/contract/operation.ts';
import { Sessions } from '../admin/server/sessions.ts';
import { EventLog } from '../events/event-log.ts';
import { MetricMemory } from '../metrics/metric-memory.ts';
import { readConfig } from '../../shared/config/read-config.ts';
import { PageSource } from './page-operations.ts';
import { PageWatch } from './watch.ts';

const STATUS = {
  overload: NO_OVERLOAD,
  certificates: [],
  warnings: [],
  verdict: 'ok',
  reasons: [],
  unreachable: [],
  threads: [],
  breakers: [],
  threadRestarts: 0,
};

function setUp() {
  const read = readConfig({ UPSTREAM_URL: 'http://127.0.0.1:1' }, () => '');
  if (!read.ok) throw new Error('the test configuration is bad');
  const { config } = read;
  const watch = new PageWatch({
    node: 'a',
    memory: new MetricMemory(1, config),
    status: () => STATUS as unknown as StatusAnswer,
    active: () => ({ version: 1, config }),
  });
  const events = new EventLog({ wallClockMs: () => 1, onListenerError: () => {} });
  let asked = 0;
  const calls = ['topRefused', 'listBreakers', 'listTargets', 'listOverrides'];
  const listJobs = operation({
    method: 'GET',
    path: '/jobs',
    id: 'listJobs',
    summary: '',
    handle: () => json(200, { mode: 'on', scope: 'node', jobs: [] }),
  });
  const source = new PageSource({
    watch,
    node: 'a',
    operations: [
      listJobs,
      ...calls.map((id) =>
        operation({ method: 'GET', path: `/${id}`, id, summary: '', handle: () => json(200, { id }) }),
      ),
    ],
    nodes: () => {
      asked++;
      return Promise.resolve({ scope: 'node', nodes: [] });
    },
    redis: { memory: undefined, states: () => [] },
    backups: () => new Map(),
    sessions: new Sessions({
      nowMs: monotonicMs,
      lifeMs: 1,
      most: 1,
      token: () => ({ kind: 'none', reason: '' }),
      allowed: () => false,
    }),
    events,
    cluster: undefined,
  });
  const look = (minutes: 1 | 15 | 60 = 15): Promise<PageAnswer> => source.answer({ minutes }, { headers: {} });
  return { look, events, asked: () => asked, [Symbol.dispose]: () => watch.close() };
}

test('however many pages look at once, what they show is found out once', async () => {
  using page = setUp();
  const answers = await Promise.all([page.look(1), page.look(), page.look(60), page.look(), page.look()]);
  expect(page.asked()).toBe(1);
  expect(answers.map(({ history }) => [history.minutes, history.requests.length])).toEqual([
    [1, 60],
    [15, 180],
    [60, 180],
    [15, 180],
    [15, 180],
  ]);
});

test('after an event nobody is shown what was before', async () => {
  using page = setUp();
  await page.look();
  page.events.add('nodes', '2 live nodes', {});
  await page.look();
  expect(page.asked()).toBe(2);
});
