import { ask, expectBody } from '../../shared/ask.ts';
import { recordMeasures, recordRatio } from '../../shared/figures.ts';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseRuns } from '../../shared/load-case.ts';
import { settingsOf } from '../../shared/settings.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Recorder, Suite, SuiteContext } from '../../shared/suite.ts';
import { originOf, startUpstream } from '../../shared/upstream-process.ts';
import type { Upstream } from '../../shared/upstream-process.ts';

const SPEED = ['throughput', 'p50', 'p90', 'p99', 'p99.9'] as const;

export const suite: Suite = {
  name: 'baseline',
  question: 'What does the gateway add to a request: CPU, latency, and how many a second get through?',
  takes: '90 seconds',
  async run(context) {
    const { session, record, options } = context;
    const settings = settingsOf(options);
    const { upstream, path } = await chooseUpstream(context);
    const gateway = await startGateway(subjectContext(session, upstream), { workers: options.workers });
    const threads = options.workers ?? 1;
    const through = subjectOf('gateway', gateway, { threads });
    const direct: Subject = { name: 'direct', url: originOf(upstream), processes: ours(upstream), straight: true };

    const title = options.target === undefined ? 'GET, 130-byte JSON' : `GET ${path}`;
    const request = { name: 'baseline', method: 'GET', requestBody: undefined } as const;
    const loadCase = { title, request, path, subjects: [direct, through], verify: sameAnswer(direct, path) };
    const seen = await runCase({ session, record, settings, upstream }, loadCase);
    recordMeasures(record, seen, ['cpu-per-request', 'cpu-user', 'cpu-system', ...SPEED]);
    for (const metric of SPEED) recordRatio(record, seen, { subject: 'gateway', against: 'direct', metric });
    recordAdded(record, seen);
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

/** The median wait of a request through the gateway beyond that of one straight to the upstream, at the same load. */
function recordAdded(record: Recorder, { title, runs, subjects }: CaseRuns): void {
  if (subjects.length === 0) return;
  const p50 = (subject: string, round: number): number | undefined =>
    runs.find((run) => run.subject === subject && run.round === round && run.problems.length === 0)?.load.p50Us;
  const rounds = [...new Set(runs.map(({ round }) => round))];
  const samples = rounds.flatMap((round) => {
    const [through, direct] = [p50('gateway', round), p50('direct', round)];
    return through === undefined || direct === undefined ? [] : [(through - direct) / 1000];
  });
  if (samples.length === 0) return;
  record.measure({ case: title, subject: 'gateway', metric: 'added-p50', unit: 'ms', better: 'lower', samples });
}
