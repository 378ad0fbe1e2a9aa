import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { quietFor } from '../support/wait.ts';
import { redisAt, SELDOM, startNode, testJob } from './test-jobs.ts';

const MOST_A_SECOND = 3;
/** Beats, bindings, room, reads and pings are each due once in a while: of each one more may fall into the time watched. */
const AT_ITS_ENDS = 5;
const WATCHED_MS = 16_000;

test('an idle node costs Redis at most three commands a second, jobs included', async () => {
  await using redis = await startRedis();
  await using _gateway = await startGateway({
    env: { REDIS_URL: `redis://127.0.0.1:${redis.port}`, UPSTREAM_URL: 'http://127.0.0.1:9', WORKERS: '4' },
  });
  const jobs = ['daily', 'weekly'].map((name) => testJob({ name, pattern: SELDOM }));
  await using _node = startNode(redisAt(redis.port), jobs, { renewEveryMs: 60_000 });
  await quietFor(3_000, 'what the start costs is over');
  using monitor = await redis.monitor();
  const startMs = performance.now();
  await quietFor(WATCHED_MS, 'commands are counted');
  const lines = await monitor.lines();
  const seconds = (performance.now() - startMs) / 1000;
  const sent = lines.filter((line) => !line.includes(' lua] ') && !line.includes('"echo"'));
  const said = sent.map((line) => /"(\w+)"/.exec(line)?.[1]).join(' ');
  const most = MOST_A_SECOND * seconds + AT_ITS_ENDS;
  expect(sent.length, `${said} in ${seconds.toFixed(1)} s`).toBeLessThanOrEqual(most);
});
