import { exchangeCase, LARGE_GET, SMALL_GET, SMALL_POST } from '../../shared/exchanges.ts';
import type { Exchange } from '../../shared/exchanges.ts';
import { recordMeasures, recordRatio } from '../../shared/figures.ts';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { settingsOf } from '../../shared/settings.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Recorder, Suite } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { profileGateway } from './profile-run.ts';
import { PEERS } from './subjects.ts';

/** What is exchanged, and the most CPU per request the gateway may need of HAProxy's. */
const CASES: readonly { readonly exchange: Exchange; readonly target: number }[] = [
  { exchange: SMALL_GET, target: 1.15 },
  { exchange: SMALL_POST, target: 1.3 },
  { exchange: LARGE_GET, target: 1.3 },
];

const FIGURES = ['cpu-per-request', 'cpu-user', 'cpu-system', 'throughput', 'p50', 'p99'] as const;

export const suite: Suite = {
  name: 'cost',
  question: 'What does forwarding a request cost in CPU, beside HAProxy, nginx, fastify and express?',
  takes: '9 minutes',
  async run({ session, record, options }) {
    const upstream = await startUpstream(session);
    const context = subjectContext(session, upstream);
    const subjects = [subjectOf('gateway', await startGateway(context)), ...(await startPeers(context, record))];
    const cases: CaseContext = { session, record, upstream, settings: settingsOf(options) };
    for (const { exchange, target } of CASES) {
      const few = options.miniature && exchange !== SMALL_GET;
      const seen = await runCase(cases, exchangeCase(exchange, few ? subjects.slice(0, 2) : subjects));
      recordMeasures(record, seen, FIGURES);
      for (const { name } of PEERS) {
        const goal = name === 'HAProxy' ? { target } : {};
        recordRatio(record, seen, { subject: 'gateway', against: name, metric: 'cpu-per-request', ...goal });
        recordRatio(record, seen, { subject: 'gateway', against: name, metric: 'throughput' });
      }
    }
    await Promise.all(subjects.map(stopSubject));
    if (options.profile) await profileGateway(cases, SMALL_GET);
  },
};

async function startPeers(context: SubjectContext, record: Recorder): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const peer of PEERS) {
    const started = await peer.start(context);
    if (started === undefined) {
      record.note(`${peer.name} is not installed and left out: ${peer.install}.`);
      continue;
    }
    record.tool(peer.name, started.version);
    subjects.push(subjectOf(peer.name, started));
  }
  return subjects;
}
