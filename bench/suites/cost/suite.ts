import { exchangeCase, loadRequestOf, SMALL_GET } from '../../shared/exchanges.ts';
import { recordMeasures, recordRatio } from '../../shared/figures.ts';
import { subjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { rawAnswers } from '../../shared/raw-answers.ts';
import { settingsOf } from '../../shared/settings.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Recorder, Suite, SuiteContext } from '../../shared/suite.ts';
import { makeCertificate, negotiated } from '../../shared/tls.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { COST_CASES } from './cases.ts';
import type { CostCase } from './cases.ts';
import { measureGenerators } from './generators.ts';
import { profileGateway } from './profile-run.ts';
import { startOverTls, startPlain, takesPart } from './subjects.ts';
import type { CostGateway, CostSubjects } from './subjects.ts';

const CPU = ['cpu-per-request', 'cpu-user', 'cpu-system'] as const;
/** Of pipelined requests wrk knows when a whole batch was answered, and autocannon when each was: no figure for both. */
const PIPELINED_FIGURES = [...CPU, 'throughput'] as const;
const FIGURES = [...PIPELINED_FIGURES, 'p50', 'p99'] as const;

export const suite: Suite = {
  name: 'cost',
  question:
    'What does forwarding a request cost in CPU, beside HAProxy, nginx, Apache httpd, Caddy, fastify and express?',
  takes: '30 minutes',
  async run(context) {
    const { session, record, options } = context;
    const upstream = await startUpstream(session);
    const cases: CaseContext = { session, record, upstream, settings: settingsOf(options) };
    const chosen = COST_CASES.filter(({ exchange }) => options.cases?.includes(exchange.name) ?? true);
    const plain = chosen.filter(({ exchange }) => exchange.tls === undefined);
    const both = options.cases?.includes('generators') ?? true;
    if (plain.length > 0 || both) {
      const subjects = await startPlain(subjectContext(session, upstream), record, options);
      for (const costCase of plain) await measureCase(cases, takingPart(subjects, costCase, options), costCase);
      const [gateway] = subjects.gateways;
      if (gateway !== undefined && both)
        await measureGenerators(cases, gateway.subject, subjects.peers.find(isHaproxy));
      await stopAll(subjects);
    }
    for (const costCase of chosen.filter((each) => !plain.includes(each)))
      await measureOverTls(cases, context, costCase);
    if (options.profile) await profileGateway(cases, plain[0]?.exchange ?? SMALL_GET, options);
  },
};

const isHaproxy = ({ name }: Subject): boolean => name === 'HAProxy';

/** Who is in this case. In miniature as few as tell that it runs, but all of them in one case. */
function takingPart(
  { gateways, peers }: CostSubjects,
  { exchange, pipeliningTarget, peers: beside }: CostCase,
  { miniature }: SuiteContext['options'],
): CostSubjects {
  const few = miniature && exchange !== SMALL_GET;
  return {
    gateways: gateways.filter(
      ({ variant, pipelining }) =>
        exchange.notWith !== variant.front && (!pipelining || pipeliningTarget !== undefined),
    ),
    peers: peers.filter((peer) => (few ? isHaproxy(peer) : takesPart(peer.name, beside))),
  };
}

async function measureOverTls(cases: CaseContext, { options }: SuiteContext, costCase: CostCase): Promise<void> {
  const { session, record, upstream } = cases;
  const certificate = makeCertificate(session.folder);
  if (certificate === undefined) {
    record.note(`${costCase.exchange.title}: left out, openssl is not installed and makes no certificate.`);
    return;
  }
  const tls = { front: options.front, certificate };
  const subjects = await startOverTls(subjectContext(session, upstream), record, tls);
  const settled = [];
  for (const { name, url } of everyone(subjects)) settled.push(`${name} ${await negotiated(url)}`);
  record.note(`${costCase.exchange.title}, as settled with a client of Node.js: ${settled.join(', ')}.`);
  await measureCase(cases, subjects, costCase);
  await stopAll(subjects);
}

async function measureCase(cases: CaseContext, subjects: CostSubjects, costCase: CostCase): Promise<void> {
  const { record } = cases;
  const { exchange } = costCase;
  if (exchange.notWith !== undefined)
    record.note(`${exchange.title}: not with the ${exchange.notWith} front, which cannot.`);
  const seen = await runCase(cases, exchangeCase(exchange, everyone(subjects)));
  recordMeasures(record, seen, exchange.pipelined === undefined ? FIGURES : PIPELINED_FIGURES);
  if (exchange === SMALL_GET) await recordAnswerBytes(record, subjects);
  for (const gateway of subjects.gateways) {
    // Of the one that pipelines to its upstream there is one thing to know.
    const peers = gateway.pipelining ? subjects.peers.filter(isHaproxy) : subjects.peers;
    for (const { name: against } of peers) {
      const pair = { subject: gateway.subject.name, against };
      const goal = against === 'HAProxy' ? { target: targetOf(costCase, gateway) } : {};
      recordRatio(record, seen, { ...pair, metric: 'cpu-per-request', ...goal });
      recordRatio(record, seen, { ...pair, metric: 'throughput' });
    }
  }
}

function targetOf(costCase: CostCase, { variant, pipelining }: CostGateway): number {
  const { target, uwsTarget = target, pipeliningTarget = target } = costCase;
  if (pipelining) return pipeliningTarget;
  return variant.front === 'uws' ? uwsTarget : target;
}

/** What one small answer is on the wire to the client, head and body. */
async function recordAnswerBytes(record: Recorder, subjects: CostSubjects): Promise<void> {
  for (const { name, url } of everyone(subjects)) {
    const [answer = ''] = await rawAnswers(url + SMALL_GET.path, loadRequestOf(SMALL_GET), 1);
    const figure = { metric: 'bytes-per-answer', unit: 'B', better: 'lower' } as const;
    record.measure({ case: SMALL_GET.title, subject: name, ...figure, samples: [answer.length] });
  }
}

const everyone = ({ gateways, peers }: CostSubjects): Subject[] => [
  ...gateways.map(({ subject }) => subject),
  ...peers,
];

async function stopAll(subjects: CostSubjects): Promise<void> {
  await Promise.all(everyone(subjects).map(stopSubject));
}
