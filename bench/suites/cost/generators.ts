import { exchangeCase, SMALL_GET } from '../../shared/exchanges.ts';
import { FIGURES, recordMeasures, recordRatio } from '../../shared/figures.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext, CaseRuns } from '../../shared/load-case.ts';
import type { LoadToolName } from '../../shared/load/run.ts';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { summarize } from '../../shared/statistics.ts';
import type { Subject } from '../../shared/subject.ts';
import { disagreement } from './disagreement.ts';
import type { ByGenerator } from './disagreement.ts';

const MEASURED = ['cpu-per-request', 'cpu-load', 'throughput', 'p50', 'p99'] as const;

/** The same GET through gateway and HAProxy by autocannon and by wrk, and in words where the two disagree and why. */
export async function measureGenerators(
  cases: CaseContext,
  gateway: Subject,
  haproxy: Subject | undefined,
): Promise<void> {
  const { session, record } = cases;
  const wrk = findProgram('wrk');
  if (wrk === undefined || haproxy === undefined) {
    record.note('Not asked of two load generators: that needs wrk and HAProxy (apt-get install wrk haproxy).');
    return;
  }
  record.tool('wrk', versionOf(wrk));
  const subjects = [gateway, haproxy];
  const measured: ByGenerator[] = [];
  for (const tool of ['autocannon', 'wrk'] as const) {
    const own: CaseContext = { ...cases, session: { ...session, tool } };
    const seen = await runCase(own, { ...exchangeCase(SMALL_GET, subjects), title: titleBy(tool) });
    recordMeasures(record, seen, MEASURED);
    for (const metric of ['cpu-per-request', 'throughput'] as const)
      recordRatio(record, seen, { subject: gateway.name, against: haproxy.name, metric });
    measured.push(told(seen, tool, gateway.name), told(seen, tool, haproxy.name));
  }
  for (const text of disagreement(measured)) record.note(text);
}

const titleBy = (tool: LoadToolName): string => `${SMALL_GET.title}, by ${tool}`;

function told({ runs }: CaseRuns, tool: LoadToolName, subject: string): ByGenerator {
  const own = runs.filter((run) => run.subject === subject && run.problems.length === 0);
  const median = (of: (run: MeasuredRun) => number): number => summarize(own.map(of))?.median ?? Number.NaN;
  return {
    tool,
    subject,
    perSecond: median(FIGURES.throughput.of),
    subjectUs: median(FIGURES['cpu-per-request'].of),
    loadUs: median(FIGURES['cpu-load'].of),
    subjectBusy: median(({ busyCores }) => busyCores[subject] ?? 0),
  };
}
