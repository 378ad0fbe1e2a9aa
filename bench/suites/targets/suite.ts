import { settingsOf } from '../../shared/settings.ts';
import type { Recorder, Suite } from '../../shared/suite.ts';
import { runDrill } from './drill.ts';
import type { DrillRun, DrillTimes } from './drill.ts';
import { inWords } from './failures.ts';
import { FAULTS } from './faults.ts';
import { recordFault } from './findings.ts';
import type { SubjectRuns } from './findings.ts';
import { SLOWED, USUAL_MS } from './protocol.ts';
import { drilledSubjects } from './subjects.ts';

const PER_SECOND = 300;
/** A target that fails is tried again after that time, and a slow one found out before. */
const SETTLES_SECONDS = 10;
/** Connections for each request a second: enough for all that a target swallows until clients give up, and for the others. */
const CONNECTIONS_PER_RATE = 4;
const CLIENTS = Array.from({ length: 20 }, (_, i) => `127.0.0.${i + 11}`);

export const suite: Suite = {
  name: 'targets',
  question: 'One of three targets goes bad: how many requests fail, and how much slower are the others?',
  takes: '30 minutes',
  async run(context) {
    const { session, record, options } = context;
    const settings = settingsOf(options, { rounds: 3, seconds: 15, warmUpSeconds: 2 });
    const { miniature, rate = miniature ? 100 : PER_SECOND } = options;
    const times: DrillTimes = {
      warmUpSeconds: settings.warmUpSeconds,
      quietSeconds: miniature ? 0.2 : 5,
      afterSeconds: settings.seconds,
      settlesSeconds: Math.min(SETTLES_SECONDS, (settings.seconds * 2) / 3),
      sliceMs: miniature ? 100 : 250,
      patienceMs: miniature ? 300 : 10_000,
    };
    const connections = options.connections ?? Math.ceil(rate * (miniature ? 0.5 : CONNECTIONS_PER_RATE));
    record.method({
      load: `open loop, ${rate} requests/s, ${connections} connections of ${CLIENTS.length} addresses`,
      rounds: settings.rounds,
      secondsPerRun: times.quietSeconds + times.afterSeconds,
      warmUpSeconds: times.warmUpSeconds,
    });
    note(record, times);
    const subjects = drilledSubjects(context);
    for (const [which, fault] of FAULTS.entries()) {
      const found = subjects.map((subject): SubjectRuns & { readonly runs: DrillRun[] } => ({ subject, runs: [] }));
      // In miniature each fault and each subject has its turn, and not each of one with each of the other.
      const measured = miniature ? found.filter((_, i) => i === which % subjects.length) : found;
      for (let round = 1; round <= settings.rounds; round++) {
        for (const { subject, runs } of measured) {
          const load = { connections, ratePerSecond: rate, fromAddresses: CLIENTS };
          const run = await runDrill({ session, fault, subject, times, load });
          runs.push(run);
          record.progress(`${fault.title}, round ${round} of ${settings.rounds}: ${subject.name}: ${summary(run)}`);
        }
      }
      recordFault(record, { fault, found: measured, times });
    }
  },
};

function note(record: Recorder, { afterSeconds, settlesSeconds, patienceMs }: DrillTimes): void {
  record.note(
    `Each answer takes ${USUAL_MS} ms, of a slowed target ${SLOWED * USUAL_MS} ms. Failed is whatever is not answered ` +
      `with 200, of the requests of the ${afterSeconds} s from the fault on; a client gives up after ${patienceMs / 1000} s. ` +
      `The p99 is that of all answers, good and bad, of the first ${settlesSeconds} s; p99-settled of the rest. Requests ` +
      'without an answer are only among those that failed.',
  );
  record.note(
    'The gateway has its defaults and no health probes. HAProxy: check (a connection every 2 s), option redispatch, ' +
      'retries 3. nginx: max_fails and fail_timeout (1 and 10 s) and proxy_next_upstream (error timeout) as they are unless told.',
  );
}

function summary({ seen: { partsP99Us = [] }, after, underWay }: DrillRun): string {
  const parts = partsP99Us.map((us) => (us / 1000).toFixed(1)).join(' → ');
  return `failed: ${inWords(after)} (${underWay} were under way), p99 ${parts} ms`;
}
