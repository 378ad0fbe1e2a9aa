import type { LoadResult } from '../../shared/load/plan.ts';
import { ask, expectBody } from '../../shared/ask.ts';
import { FIGURES, recordMeasures, recordRatio, rounded } from '../../shared/figures.ts';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext, CaseRuns, LoadCase } from '../../shared/load-case.ts';
import { slowGenerator } from '../../shared/refusal.ts';
import { settingsOf } from '../../shared/settings.ts';
import { summarize } from '../../shared/statistics.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Recorder, Suite, SuiteContext, SuiteOptions } from '../../shared/suite.ts';
import { originOf, startUpstream } from '../../shared/upstream-process.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import { recordLevel } from '../latency/findings.ts';
import { openLoopCeiling } from '../latency/levels.ts';
import { saturatingPlace } from '../latency/saturation.ts';
import { distrust } from '../latency/trust.ts';

const SPEED = ['throughput', 'p50', 'p90', 'p99', 'p99.9'] as const;

export const suite: Suite = {
  name: 'baseline',
  question: 'What does the gateway add to a request: CPU, latency, and how many a second get through?',
  takes: '3 minutes',
  async run(context) {
    const { record, options } = context;
    const session = saturatingPlace(context);
    const settings = settingsOf(options);
    const { upstream, path } = await chooseUpstream(context);
    const gateway = await startGateway(subjectContext(session, upstream), { workers: options.workers });
    const threads = options.workers ?? 1;
    const through = subjectOf('gateway', gateway, { threads });
    const direct: Subject = { name: 'direct', url: originOf(upstream), processes: ours(upstream), straight: true };

    const title = options.target === undefined ? 'GET, 130-byte JSON' : `GET ${path}`;
    const request = { name: 'baseline', method: 'GET', requestBody: undefined } as const;
    const loadCase = { title, request, path, subjects: [direct, through], verify: sameAnswer(direct, path) };
    const cases: CaseContext = { session, record, settings, upstream };
    const seen = await runCase(cases, loadCase);
    recordMeasures(record, seen, ['cpu-per-request', 'cpu-user', 'cpu-system']);
    const slow = slowGenerator(seen, 'gateway');
    if (slow === undefined) {
      recordMeasures(record, seen, SPEED);
      for (const metric of SPEED) recordRatio(record, seen, { subject: 'gateway', against: 'direct', metric });
    } else record.note(`Not shown: ${title}, throughput and latency of a closed loop: ${slow}.`);
    await measureAtRate(cases, loadCase, { seen, options });
    await stopSubject(through);
  },
};

const ours = ({ process }: Upstream): Subject['processes'] => (process === undefined ? [] : [process]);

/** The bench's own upstream, or that of `--target`, which is then asked for that URL's path. */
async function chooseUpstream({ session, options }: SuiteContext): Promise<{ upstream: Upstream; path: string }> {
  if (options.target === undefined) return { upstream: await startUpstream(session), path: '/ok' };
  const url = new URL(options.target);
  const port = Number(url.port === '' ? 80 : url.port);
  return { upstream: { host: url.hostname, port, process: undefined }, path: url.pathname + url.search };
}

/** Every subject must answer as the upstream itself does. */
const sameAnswer =
  (direct: Subject, path: string) =>
  async (subject: Subject): Promise<void> => {
    const wanted = await ask(direct.url + path, { method: 'GET' });
    if (wanted.status !== 200) throw new Error(`the upstream answers ${wanted.status}, not 200, to GET ${path}`);
    expectBody(await ask(subject.url + path, { method: 'GET' }), wanted.body.toString());
  };

/** The same in an open loop, at half of what the gateway reaches or as much as the generator alone can do twice. */
async function measureAtRate(
  cases: CaseContext,
  loadCase: LoadCase,
  { seen, options }: { readonly seen: CaseRuns; readonly options: SuiteOptions },
): Promise<void> {
  const { record, settings } = cases;
  const closed = summarize(seen.runs.filter(({ subject }) => subject === 'gateway').map(FIGURES.throughput.of));
  if (closed === undefined) return;
  const target = { origin: loadCase.subjects[0]?.url ?? '', path: loadCase.path };
  const ceiling = await openLoopCeiling(cases, { ...options, ...target });
  const ratePerSecond = options.rate ?? Math.max(1, Math.round(Math.min(closed.median / 2, ceiling / 2)));
  const title = `${loadCase.title}, open loop at ${ratePerSecond} req/s`;
  const level = { share: 0.5, seen: await runCase(cases, { ...loadCase, title, ratePerSecond }) };
  recordLevel(record, level, [['gateway', 'direct']]);
  recordAdded(record, level.seen);
  record.method({ load: `${cases.session.tool}, closed loop; own open loop`, rounds: settings.rounds });
}

/**
 * The median wait of a request through the gateway beyond that of one straight to the upstream, at the same load; told
 * where the generator was late in neither run by more than it may be for the gateway's own median.
 */
function recordAdded(record: Recorder, { title, runs }: CaseRuns): void {
  const loadOf = (subject: string, round: number): LoadResult | undefined =>
    runs.find((run) => run.subject === subject && run.round === round && run.problems.length === 0)?.load;
  const rounds = [...new Set(runs.map(({ round }) => round))];
  const samples = rounds.flatMap((round) => {
    const [through, direct] = [loadOf('gateway', round), loadOf('direct', round)];
    if (through === undefined || direct === undefined) return [];
    const late = [through, direct].some((load) => distrust({ ...load, p50Us: through.p50Us }, 'p50') !== undefined);
    return late ? [] : [rounded((through.p50Us - direct.p50Us) / 1000)];
  });
  if (samples.length === 0) return;
  record.measure({ case: title, subject: 'gateway', metric: 'added-p50', unit: 'ms', better: 'lower', samples });
}
