import { rounded } from '../../shared/figures.ts';
import type { LoadPlan } from '../../shared/load/plan.ts';
import { startNodes } from '../../shared/nodes.ts';
import type { GatewayNode } from '../../shared/nodes.ts';
import { startRedis } from '../../shared/redis.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Recorder, Suite, SuiteContext, SuiteOptions } from '../../shared/suite.ts';
import { BACK, FAILING, FailingUpstream, WELL } from './failing-upstream.ts';
import { runOutage, untilAllWell } from './outage.ts';
import type { Outage, OutageKind, OutageTimes } from './outage.ts';
import { outageChart } from './outage-chart.ts';
import { factsOf } from './outage-facts.ts';
import type { BreakerNumbers, OutageFacts } from './outage-facts.ts';

const CONNECT_TIMEOUT_MS = 1000;
/** Of the gateway's default. */
const THRESHOLD = 5;

const KINDS: readonly OutageKind[] = [
  {
    title: 'upstream is killed',
    failedStatus: '502',
    fail: (upstream) => upstream.kill(),
    restore: (upstream) => upstream.start(BACK),
  },
  {
    title: 'upstream answers 500',
    failedStatus: '500',
    fail: (upstream) => upstream.answerWith(FAILING),
    restore: (upstream) => upstream.answerWith(BACK),
  },
];

interface Figure {
  readonly metric: string;
  readonly unit: 'ms' | '';
  readonly of: (seen: Round) => number | undefined;
}

/** As they come in the result; all are better when lower. */
const FIGURES: readonly Figure[] = [
  { metric: 'first-open', unit: 'ms', of: ({ facts }) => facts.firstOpenMs },
  { metric: 'all-open', unit: 'ms', of: ({ facts }) => facts.allOpenMs },
  { metric: 'first-to-all-open', unit: 'ms', of: ({ facts }) => minus(facts.allOpenMs, facts.firstOpenMs) },
  { metric: 'failed-answers', unit: '', of: ({ facts }) => facts.failedAnswers },
  { metric: 'leaked-calls', unit: '', of: ({ facts }) => facts.leaked },
  { metric: 'failed-probes', unit: '', of: ({ facts }) => facts.failedProbes },
  { metric: 'first-good', unit: 'ms', of: ({ facts }) => facts.firstGoodMs },
  { metric: 'all-closed', unit: 'ms', of: ({ facts }) => facts.allClosedMs },
  { metric: 'slowest', unit: 'ms', of: ({ outage }) => outage.seen.maxUs / 1000 },
];

interface Round {
  readonly outage: Outage;
  readonly facts: OutageFacts;
}

export const suite: Suite = {
  name: 'breaker',
  question: 'The upstream dies and comes back under load: what is refused, what leaks, how fast do all nodes know?',
  takes: '90 seconds',
  async run(context) {
    const { session, record, options } = context;
    const settings = settingsOf(options, { seconds: 3 });
    const count = options.nodes ?? 2;
    const breaker: BreakerNumbers = { resetMs: options.miniature ? 300 : 1000, permits: 2 };
    const times = timesOf(options, settings.seconds, breaker);
    const upstream = new FailingUpstream(session);
    await upstream.start(WELL);
    const redis = await startRedis(session);
    const env = {
      CIRCUIT_BREAKER_FAILURE_THRESHOLD: String(THRESHOLD),
      CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: String(breaker.resetMs / 1000),
      CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD: String(breaker.permits),
      CONNECT_TIMEOUT_SECONDS: String(CONNECT_TIMEOUT_MS / 1000),
    };
    const nodes = await startNodes(session, { count, redis, upstream, workers: options.workers, env });
    const load = loadPlan(context, nodes, times);
    const total = times.beforeSeconds + times.failingSeconds + times.afterSeconds;
    record.method({
      load: `open loop, ${load.ratePerSecond} requests/s over ${count} nodes`,
      rounds: settings.rounds,
      secondsPerRun: total,
      pinned: { subject: null, load: session.cores.load ?? null },
    });
    note(record, breaker);

    for (const kind of KINDS) {
      const rounds: Round[] = [];
      for (let round = 1; round <= settings.rounds; round++) {
        await upstream.answerWith(WELL);
        await untilAllWell(nodes);
        const outage = await runOutage({ session, kind, times, upstream, nodes, load });
        const facts = factsOf(outage, kind.failedStatus, breaker);
        rounds.push({ outage, facts });
        record.progress(`${kind.title}, round ${round} of ${settings.rounds}: ${inWords(facts)}`);
      }
      recordKind(record, { kind, rounds, breaker, count });
    }
  },
};

function timesOf({ miniature }: SuiteOptions, failingSeconds: number, { resetMs }: BreakerNumbers): OutageTimes {
  if (miniature) return { beforeSeconds: 0.2, failingSeconds: 0.6, afterSeconds: 1 };
  return { beforeSeconds: 1, failingSeconds, afterSeconds: (2 * resetMs) / 1000 + 1 };
}

function loadPlan({ options }: SuiteContext, nodes: readonly GatewayNode[], times: OutageTimes): LoadPlan {
  const [url = '', ...moreUrls] = nodes.map((node) => `${node.url}/ok`);
  return {
    request: { name: 'breaker', method: 'GET', requestBody: undefined, countStatuses: true },
    url,
    moreUrls,
    seconds: times.beforeSeconds + times.failingSeconds + times.afterSeconds,
    connections: options.connections ?? (options.miniature ? 8 : 64),
    ratePerSecond: options.rate ?? (options.miniature ? 200 : 1000),
    timelineMs: 1,
  };
}

function note(record: Recorder, { resetMs, permits }: BreakerNumbers): void {
  record.note(
    `The breaker opens after ${THRESHOLD} failures in a row of all nodes together, so that many failed answers are the ` +
      `least there can be; it stays open for ${resetMs} ms and closes after ${permits} good probes.`,
  );
  record.note(
    'Openings and closings are those of the nodes’ logs, in whole milliseconds. A leaked call came after the first ' +
      'node had opened; those that were under way to the upstream at that moment are among them.',
  );
  record.note(
    'From the return to the first good answer also takes what is left of the reset time-out, up to all of it, and the ' +
      `${BACK.delayMs} ms that the upstream then takes for each answer.`,
  );
}

interface KindResult {
  readonly kind: OutageKind;
  readonly rounds: readonly Round[];
  readonly breaker: BreakerNumbers;
  readonly count: number;
}

function recordKind(record: Recorder, { kind, rounds, breaker, count }: KindResult): void {
  const { title } = kind;
  const subject = count === 1 ? '1 node' : `${count} nodes`;
  for (const { metric, unit, of } of FIGURES) {
    const samples = rounds.map(of).filter((value) => value !== undefined);
    if (samples.length === 0) continue;
    record.measure({ case: title, subject, metric, unit, better: 'lower', samples: samples.map(rounded) });
  }
  const refused = rounds.map(({ facts }) => facts.refused);
  record.measure({ case: title, subject, metric: 'refused', unit: '', better: 'neither', samples: refused });
  const [first] = rounds;
  if (first !== undefined) record.chart(outageChart(kind, first.outage, first.facts));
  recordChecks(record, { kind, rounds, breaker, count });
}

function recordChecks(record: Recorder, { kind, rounds, breaker }: KindResult): void {
  const check = (what: string, found: (round: Round) => string | undefined): void => {
    const wrong = rounds.flatMap((round, i) => {
      const problem = found(round);
      return problem === undefined ? [] : [`round ${i + 1}: ${problem}`];
    });
    const detail = wrong.length === 0 ? `${rounds.length} rounds` : wrong.join('; ');
    record.check({ case: kind.title, what, ok: wrong.length === 0, detail });
  };
  const expected = ['200', '503', kind.failedStatus];
  check(`every request is answered, with ${expected.join(', ')}`, ({ outage: { seen } }) => {
    const others = Object.entries(seen.statuses).filter(([status]) => !expected.includes(status));
    const problems = others.map(([status, count]) => `${count} answers ${status}`);
    if (seen.errors > 0) problems.push(`${seen.errors} requests without an answer`);
    return problems.length === 0 ? undefined : problems.join(', ');
  });
  check(`no answer takes longer than the connect time-out of ${CONNECT_TIMEOUT_MS} ms`, ({ outage: { seen } }) =>
    seen.maxUs / 1000 <= CONNECT_TIMEOUT_MS ? undefined : `${Math.round(seen.maxUs / 1000)} ms`,
  );
  check('all nodes open, and close again before the load ends', ({ facts }) => {
    if (facts.allOpenMs === undefined) return 'a node never opened';
    return facts.allClosedMs === undefined ? 'a node did not close' : undefined;
  });
  check(`never more than ${breaker.permits} probes at once on all nodes together`, ({ facts: { mostProbes = 0 } }) =>
    mostProbes <= breaker.permits ? undefined : `${mostProbes} calls at once`,
  );
}

function inWords({ allOpenMs, leaked, refused, allClosedMs }: OutageFacts): string {
  const ms = (value: number | undefined): string => (value === undefined ? 'never' : `after ${Math.round(value)} ms`);
  return `all open ${ms(allOpenMs)}, ${leaked ?? '?'} leaked, ${refused} refused, all closed ${ms(allClosedMs)}`;
}

const minus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a - b;
