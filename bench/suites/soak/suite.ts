import { findProgram, versionOf } from '../../shared/processes.ts';
import type { Recorder, Suite } from '../../shared/suite.ts';
import { recordCharts, recordClients, recordGrowth } from './findings.ts';
import { metrics, sumOf } from './look.ts';
import { planSoak } from './plan.ts';
import { soak } from './run.ts';
import { System } from './system.ts';

const USUAL = { seconds: 600, connections: 32, ratePerSecond: 500 };
const MINIATURE = { seconds: 3, connections: 8, ratePerSecond: 100 };

export const suite: Suite = {
  name: 'soak',
  question: 'Does anything grow, leak or fail over time, with churn, reloads and faults?',
  takes: '10 minutes, or --duration',
  async run(context) {
    const { session, record, options } = context;
    const usual = options.miniature ? MINIATURE : USUAL;
    const plan = planSoak(options.seconds ?? usual.seconds);
    const connections = options.connections ?? usual.connections;
    const ratePerSecond = options.rate ?? usual.ratePerSecond;
    const redis = findProgram('redis-server');
    if (redis !== undefined) record.tool('redis-server', versionOf(redis));
    const load = `own open loop, ${ratePerSecond} req/s on ${connections} kept connections, with churn and hang-ups beside`;
    record.method({ load, rounds: 1, secondsPerRun: plan.seconds, warmUpSeconds: 0 });
    record.note(
      `A fault window lasts from the end of a process, over ${plan.downSeconds} s without it and its restart, until ` +
        `${plan.recoverySeconds} s later (the breaker probes after 1 s). A reload has none: it may cost nothing.`,
    );
    const system = await System.start(session, options.workers);
    const run = await soak(context, system, { plan, connections, ratePerSecond });
    recordClients(record, run);
    recordGrowth(record, run);
    await recordProcess(record, system);
    recordCharts(record, run);
    await system.stop();
  },
};

/** What the gateway says about itself at the end. */
async function recordProcess(record: Recorder, { gateway, reloads }: System): Promise<void> {
  const text = gateway.process.ended ? '' : await metrics(gateway);
  const version = sumOf(text, 'gateway_config_version');
  const restarts = sumOf(text, 'gateway_thread_restarts_total');
  const about = { case: 'churn, reloads and faults' };
  record.check({
    ...about,
    what: 'every reload was applied',
    ok: version === reloads + 1,
    detail: `${reloads} reloads, configuration number ${version}`,
  });
  record.check({
    ...about,
    what: 'the process and its threads live on',
    ok: !gateway.process.ended && restarts === 0,
    detail: gateway.process.ended ? 'the gateway has ended' : `${restarts} threads restarted`,
  });
}
