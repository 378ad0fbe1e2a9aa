import { startGateway, subjectContext } from '../../shared/gateway.ts';
import type { GatewayProxy } from '../../shared/gateway.ts';
import { rounded } from '../../shared/figures.ts';
import type { LoadPlan } from '../../shared/load/plan.ts';
import { runLoad } from '../../shared/load/run.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Recorder, Suite, SuiteContext } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { measureDeadRedis } from './dead-redis.ts';
import { FAULTS, startFaultyRedis } from './fault.ts';
import type { Fault } from './fault.ts';
import { faultCharts } from './fault-charts.ts';
import { runFault } from './fault-run.ts';
import type { FaultRun, FaultTimes } from './fault-run.ts';

const SUBJECT = 'gateway';
/** A generator this much of a latency late has no say in it. */
const LATE_SHARE = 0.5;

export const suite: Suite = {
  name: 'faults',
  question: 'Redis is killed, paused, slow: what is lost, how slow is the slowest answer, who decides meanwhile?',
  takes: '3 minutes',
  async run(context) {
    const { session, record, options } = context;
    const settings = settingsOf(options, { rounds: 3, seconds: 3 });
    const times: FaultTimes = options.miniature
      ? { beforeSeconds: 0.2, faultSeconds: 0.3, afterSeconds: 0.6 }
      : { beforeSeconds: 1, faultSeconds: settings.seconds, afterSeconds: 4 };
    const upstream = await startUpstream(session);
    const place = subjectContext(session, upstream);
    const ownRedis = await startFaultyRedis(session);
    const slowRedis = await startFaultyRedis(session);
    try {
      const { workers } = options;
      const gateway = await startGateway(place, { redis: ownRedis.redis, workers });
      const url = `redis://127.0.0.1:${slowRedis.proxy.port}`;
      const behindProxy = await startGateway(place, { redis: { url }, workers });
      const load = (proxy: GatewayProxy): LoadPlan => loadPlan(context, proxy, times);
      recordMethod(context, load(gateway), settings.rounds);

      let { redis } = ownRedis;
      for (const fault of FAULTS) {
        const subject = fault.proxied ? behindProxy : gateway;
        if (settings.warmUpSeconds > 0) await runLoad(session, { ...load(subject), seconds: settings.warmUpSeconds });
        const runs: FaultRun[] = [];
        for (let round = 1; round <= settings.rounds; round++) {
          const faulty = fault.proxied ? slowRedis : { ...ownRedis, redis };
          const plan = { session, fault, faulty, gateway: subject, times, load: load(subject) };
          const done = await runFault(plan);
          if (!fault.proxied) ({ redis } = done);
          runs.push(done.run);
          record.progress(`${fault.title}, round ${round} of ${settings.rounds}: ${inWords(done.run)}`);
        }
        recordFault(record, fault, runs);
      }
      const { beforeSeconds, faultSeconds: deadSeconds } = times;
      await measureDeadRedis(context, place, { rounds: settings.rounds, beforeSeconds, deadSeconds });
    } finally {
      await Promise.all([ownRedis.proxy.close(), slowRedis.proxy.close()]);
    }
  },
};

function loadPlan({ options }: SuiteContext, { port, prefix }: GatewayProxy, times: FaultTimes): LoadPlan {
  return {
    request: { name: 'faults', method: 'GET', requestBody: undefined, countStatuses: true },
    url: `http://127.0.0.1:${port}${prefix}/ok`,
    seconds: times.beforeSeconds + times.faultSeconds + times.afterSeconds,
    connections: options.connections ?? (options.miniature ? 8 : 64),
    ratePerSecond: options.rate ?? (options.miniature ? 200 : 1000),
    timelineMs: 100,
  };
}

function recordMethod({ record }: SuiteContext, { ratePerSecond, seconds }: LoadPlan, rounds: number): void {
  record.method({ load: `open loop, ${ratePerSecond} requests/s`, rounds, secondsPerRun: seconds });
  record.note(
    'A decision may wait for 10 ms (RATE_LIMIT_TIMEOUT_MILLISECONDS), then the gateway decides alone; on a busy ' +
      'machine that also happens without a fault.',
  );
  record.note(
    'When the gateway left Redis and came back is told by its log; who decided is told by its metrics, read four times ' +
      'a second. Redis counts as back when it accepts connections, which is looked at every 20 ms.',
  );
}

interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly of: (run: FaultRun) => number | undefined;
}

/** All are better when lower. */
const FIGURES: readonly Figure[] = [
  { metric: 'lost', unit: '', of: ({ seen }) => seen.errors },
  { metric: 'p99', unit: 'ms', of: ({ seen }) => (trusted(seen) ? seen.p99Us / 1000 : undefined) },
  { metric: 'slowest', unit: 'ms', of: ({ seen }) => seen.maxUs / 1000 },
  { metric: 'generator-late-p99', unit: 'ms', of: ({ seen }) => (seen.lateP99Us ?? 0) / 1000 },
  { metric: 'alone-after', unit: 'ms', of: ({ aloneAfterMs }) => aloneAfterMs },
  { metric: 'shared-after', unit: 'ms', of: ({ sharedAfterMs }) => sharedAfterMs },
];

const trusted = ({ lateP99Us = 0, p99Us }: FaultRun['seen']): boolean => lateP99Us <= p99Us * LATE_SHARE;

function recordFault(record: Recorder, fault: Fault, runs: readonly FaultRun[]): void {
  const { title } = fault;
  for (const { metric, unit, of } of FIGURES) {
    const samples = runs.map(of).filter((value) => value !== undefined);
    if (samples.length === 0) continue;
    record.measure({ case: title, subject: SUBJECT, metric, unit, better: 'lower', samples: samples.map(rounded) });
  }
  runs.forEach(({ seen }, i) => {
    if (!trusted(seen)) {
      const late = ((seen.lateP99Us ?? 0) / 1000).toFixed(1);
      record.note(`Refused: p99 of ${title}, round ${i + 1}: the load generator itself was ${late} ms late (p99).`);
    }
  });
  recordChecks(record, fault, runs);
  const [first] = runs;
  if (first !== undefined) for (const chart of faultCharts(fault, first)) record.chart(chart);
}

function recordChecks(record: Recorder, { title, harmless = false }: Fault, runs: readonly FaultRun[]): void {
  const lost = runs.reduce((sum, { seen }) => sum + seen.errors, 0);
  const asked = runs.reduce((sum, { seen }) => sum + seen.requests + seen.errors, 0);
  record.check({ case: title, what: 'no request is lost', ok: lost === 0, detail: `${lost} of ${asked}` });
  const others = runs.flatMap(({ seen }) => Object.entries(seen.statuses).filter(([status]) => status !== '200'));
  const detail = others.length === 0 ? 'only 200' : others.map(([status, count]) => `${status}: ${count}`).join(', ');
  record.check({ case: title, what: 'every answer is 200', ok: others.length === 0, detail });
  const notBack = runs.filter(({ sharedAfterMs }) => sharedAfterMs === undefined).length;
  record.check({
    case: title,
    what: 'limits are shared again before the load ends',
    ok: notBack === 0,
    detail: notBack === 0 ? `${runs.length} rounds` : `not in ${notBack} of ${runs.length} rounds`,
  });
  const unmoved = runs.filter(({ aloneAfterMs }) => aloneAfterMs === undefined).length;
  if (harmless || unmoved === 0) return;
  record.note(`${title}: in ${unmoved} of ${runs.length} rounds the gateway never said that it goes on without Redis.`);
}

function inWords({ seen, aloneAfterMs, sharedAfterMs }: FaultRun): string {
  const after = (ms: number | undefined): string => (ms === undefined ? 'never' : `after ${Math.round(ms)} ms`);
  const slowest = (seen.maxUs / 1000).toFixed(1);
  return `${seen.errors} lost, slowest ${slowest} ms, alone ${after(aloneAfterMs)}, shared again ${after(sharedAfterMs)}`;
}
