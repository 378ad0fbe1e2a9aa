import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { rounded } from '../../shared/figures.ts';
import { subjectContext } from '../../shared/gateway.ts';
import { whenReady } from '../../shared/processes.ts';
import type { Session } from '../../shared/session.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Recorder, Suite } from '../../shared/suite.ts';
import { percentile, runGoodClients } from './good-clients.ts';
import type { Seen } from './good-clients.ts';
import { GATEWAY, neighbourhoods } from './subjects.ts';
import type { Neighbourhood } from './subjects.ts';
import { WAY_NAMES } from './ways.ts';
import type { WayName } from './ways.ts';

const BAD = '127.0.0.66';
const GOOD = ['127.0.0.11', '127.0.0.12', '127.0.0.13', '127.0.0.14'];
/** Of the p50 while nobody misbehaves. */
const MOST_SLOWER = 3;

export const suite: Suite = {
  name: 'neighbours',
  question: 'One client misbehaves: how many requests of the others fail, and how much slower are they?',
  takes: '12 minutes',
  async run(context) {
    const { session, record, options } = context;
    const { seconds } = settingsOf(options, { seconds: 10 });
    const plan = { seconds, settleMs: options.miniature ? 200 : 5_000, divisor: options.miniature ? 20 : 1 };
    record.method({ load: 'own clients (node:net)', rounds: 1, secondsPerRun: seconds, warmUpSeconds: 0 });
    record.note(
      `${GOOD.length} good clients, each of its own address, ask for 130 bytes again and again, with 20 ms between. One ` +
        'other address misbehaves. The same is measured before it begins; all subjects have their usual settings.',
    );
    const upstream = await startOwnUpstream(session);
    for (const way of WAY_NAMES) {
      for (const subject of neighbourhoods(context, subjectContext(session, upstream))) {
        const { quiet, beside } = await measure(session, subject, { way, ...plan });
        recordSeen(record, { way, subject: subject.name, quiet, beside });
        const [before, now] = [quiet, beside].map((seen) => percentile(seen.tookMs, 0.5).toFixed(2));
        record.progress(
          `${way}: ${subject.name} ${beside.failures.length} failed of ${total(beside)}, p50 ${before} → ${now} ms`,
        );
      }
    }
  },
};

const total = ({ tookMs, failures }: Seen): number => tookMs.length + failures.length;

async function startOwnUpstream({ processes, cores }: Session) {
  const entry = fileURLToPath(new URL('./upstream.js', import.meta.url));
  const spec = { name: 'upstream', command: [process.execPath, entry], ipc: true } as const;
  const started = processes.start(spec, cores.upstream);
  let port: number | undefined;
  started.child.once('message', (message) => (port = (message as { port: number }).port));
  return { host: '127.0.0.1', port: await whenReady(started, () => port), process: started };
}

interface Plan {
  readonly way: WayName;
  readonly seconds: number;
  /** For the misbehaviour to have its effect. */
  readonly settleMs: number;
  /** Of its connections. */
  readonly divisor: number;
}

async function measure({ processes, cores }: Session, subject: Neighbourhood, plan: Plan) {
  const proxy = await subject.start();
  const load = { addresses: GOOD, seconds: plan.seconds };
  const quiet = await runGoodClients(proxy, load);
  const entry = fileURLToPath(new URL('./misbehave-child.js', import.meta.url));
  const command = [process.execPath, entry, plan.way, `${proxy.port}`, proxy.prefix, BAD, `${plan.divisor}`] as const;
  const bad = processes.start({ name: 'misbehaving client', command, ipc: true }, cores.load);
  await delay(plan.settleMs);
  const beside = await runGoodClients(proxy, load);
  await bad.stop();
  await proxy.process.stop();
  return { quiet, beside };
}

interface Found {
  readonly way: WayName;
  readonly subject: string;
  readonly quiet: Seen;
  readonly beside: Seen;
}

function recordSeen(record: Recorder, { way, subject, quiet, beside }: Found): void {
  const one = (metric: string, unit: string, value: number): void => {
    if (Number.isFinite(value)) {
      const better = metric === 'served' ? 'higher' : 'lower';
      record.measure({ case: way, subject, metric, unit, better, samples: [rounded(value)] });
    }
  };
  const p50Quiet = percentile(quiet.tookMs, 0.5);
  const p50 = percentile(beside.tookMs, 0.5);
  one('served', '%', (100 * beside.tookMs.length) / Math.max(1, total(beside)));
  one('p50', 'ms', p50);
  one('p99', 'ms', percentile(beside.tookMs, 0.99));
  one('p50-quiet', 'ms', p50Quiet);
  one('p99-quiet', 'ms', percentile(quiet.tookMs, 0.99));
  if (subject !== GATEWAY) return;
  const detail = `${beside.failures.length} of ${total(beside)} failed${beside.failures.length > 0 ? ` (${beside.failures[0]})` : ''}`;
  record.check({ case: way, what: 'none of the others fails', ok: beside.failures.length === 0, detail });
  // Who asks as fast as it can takes the machine's time from everybody, whatever the proxy does.
  if (way === 'asks as fast as it can') return;
  const slower = `p50 ${p50Quiet.toFixed(2)} → ${p50.toFixed(2)} ms`;
  record.check({
    case: way,
    what: `p50 within ${MOST_SLOWER} times`,
    ok: p50 <= MOST_SLOWER * p50Quiet,
    detail: slower,
  });
}
