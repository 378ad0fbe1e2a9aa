import { rounded } from '../../shared/figures.ts';
import type { LoadPlan } from '../../shared/load/plan.ts';
import { runLoad } from '../../shared/load/run.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import { auditInWords, auditOnce, CAPACITY, EXACT, REFILL_PER_SECOND } from '../limits/audit.ts';
import type { Audit } from '../limits/audit.ts';
import { CLIENT_HEADER, hammer, PATH } from '../limits/cases.ts';
import { PATIENT, startCluster } from './cluster.ts';

const TITLE = 'one key on all nodes, demand far above the limit';
/** Over all nodes; even one of eight alone is asked for more than the refill. */
const RATE_PER_SECOND = 1000;
const MOST_ROUNDS = 3;
const AUDIT_SECONDS = 3;

export interface ExactnessPlan {
  readonly upstream: Upstream;
  readonly settings: Settings;
  readonly counts: readonly number[];
}

/** Hammers one fresh key through one, two … nodes and records whether exactly the bucket was granted. */
export async function auditNodes(context: SuiteContext, { upstream, settings, counts }: ExactnessPlan): Promise<void> {
  const { session, record, options } = context;
  const env = {
    RATE_LIMIT_KEY: `header-plain:${CLIENT_HEADER}`,
    RATE_LIMIT_CAPACITY: String(CAPACITY),
    RATE_LIMIT_REFILL_RATE: String(REFILL_PER_SECOND),
    ...PATIENT,
  };
  const cluster = await startCluster(session, { counts, upstream, env });
  const seconds = options.miniature ? 0.5 : AUDIT_SECONDS;
  const medians: [number, number][] = [];
  for (const [i, subject] of cluster.subjects.entries()) {
    const audits: Audit[] = [];
    const warmUp = loadPlan(subject, 'warm-up', settings);
    if (!options.miniature) await runLoad(session, { ...warmUp, seconds: 1 });
    for (let round = 1; round <= Math.min(settings.rounds, MOST_ROUNDS); round++) {
      record.progress(`exactness: ${subject.name}, round ${round}`);
      audits.push(await auditOnce(session, subject, { ...loadPlan(subject, `round-${round}`, settings), seconds }));
    }
    recordAudits(context, subject, audits);
    // Of what is in the bucket and comes in, in the middle of what the time is known to.
    const shares = audits.map(({ granted }) => (granted / (CAPACITY + REFILL_PER_SECOND * seconds)) * 100);
    const samples = shares.map(rounded);
    record.measure({ case: TITLE, subject: subject.name, metric: 'granted', unit: '%', better: 'neither', samples });
    medians.push([counts[i] ?? 0, shares.toSorted((a, b) => a - b)[Math.floor(shares.length / 2)] ?? 0]);
  }
  record.chart({
    title: `Granted of what is allowed: ${TITLE}`,
    x: { label: 'nodes', unit: '' },
    y: { label: 'granted', unit: '%' },
    lines: [{ name: 'gateway', points: medians }],
  });
  await cluster.stop();
}

function loadPlan({ name, url, moreUrls = [] }: Subject, round: string, { connections }: Settings): LoadPlan {
  return {
    request: hammer('exactness', `${name.replace(' ', '-')}-${round}`),
    url: url + PATH,
    moreUrls: moreUrls.map((more) => more + PATH),
    seconds: 1,
    connections,
    ratePerSecond: RATE_PER_SECOND,
  };
}

function recordAudits({ record }: SuiteContext, { name }: Subject, audits: readonly Audit[]): void {
  record.check({
    case: `${TITLE}: ${name}`,
    what: EXACT,
    ok: audits.every(({ problems }) => problems.length === 0),
    detail: audits.map(auditInWords).join(' | '),
  });
}
