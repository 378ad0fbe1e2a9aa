// One node as a process: jobs as a gateway starts them, from the built program.
// argv[2]: JSON { dist, redis, name, pattern, runMs, fails, freezes }
// Tells over IPC { ready }, of each run { begun: { node, slotMs, attempt } }, and how operators are told that it ended:
// { told: { node, run, state } }.
import { setTimeout as rest } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const plan = JSON.parse(process.argv[2] ?? '{}');
const node = plan.name;
/** @param {string} path */
const load = (path) => import(pathToFileURL(`${plan.dist}/src/${path}.js`).href);

const { startJobs } = await load('primary/jobs/start-jobs');
const { RedisConnections } = await load('primary/redis/redis-connections');
const { connectRedis } = await load('shared/redis/connect');
const { createLog } = await load('shared/log');

const log = createLog({ level: 'silent', name: 'jobs' });
const jobs = startJobs({
  jobs: [
    {
      name: 'sweep',
      description: 'A job of a test',
      pattern: plan.pattern,
      attempts: 1,
      backoffMs: 100,
      ability: () => Promise.resolve('able'),
      run: async (/** @type {any} */ { slotMs, attempt, signal }) => {
        await new Promise((sent) => process.send?.({ begun: { node, slotMs, attempt } }, sent));
        if (plan.freezes) {
          plan.freezes = false;
          process.kill(process.pid, 'SIGSTOP');
        }
        await rest(plan.runMs, undefined, { signal });
        if (plan.fails) throw new Error('no broom');
        return { summary: 'swept', details: {} };
      },
    },
  ],
  node,
  log,
  events: {
    add: (/** @type {any} */ _, /** @type {any} */ __, /** @type {any} */ { run, state }) => {
      if (state !== undefined) process.send?.({ told: { node, run, state } });
    },
  },
  connections: new RedisConnections({ config: plan.redis, connect: connectRedis, log, onProblems: () => {} }),
  onFailing: () => {},
  wallClockMs: Date.now,
  renewEveryMs: 1_000,
});
process.send?.({ ready: true });
setInterval(() => {}, 60_000);
process.on('SIGTERM', () => void jobs.close(5_000).then(() => process.exit(0)));
