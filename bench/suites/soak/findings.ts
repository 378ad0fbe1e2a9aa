import { rounded } from '../../shared/figures.ts';
import type { Chart } from '../../shared/result.ts';
import type { Recorder } from '../../shared/suite.ts';
import type { Look } from './look.ts';
import { judge, lostIn } from './outcome.ts';
import type { FaultWindow } from './outcome.ts';
import type { Done, SoakRun } from './run.ts';
import { growthOf, mostGrowth } from './trend.ts';
import type { Bound, XY } from './trend.ts';

const CASE = 'churn, reloads and faults';
const MIB = 1024 ** 2;
/** Below this nothing can be said about memory: V8 is still making itself at home. */
const VERDICT_SECONDS = 120;
/** More than the line through a healthy run's garbage collections moves by chance. */
const RSS_BOUND: Bound = { share: 0.1, least: 16 * MIB };
/** The heap saws up and down between collections. */
const HEAP_BOUND: Bound = { share: 0.25, least: 8 * MIB };
/** What a request may get while its upstream is away, and what a Redis that is away may cause: nothing. */
const EXPECTED: Readonly<Record<Done['action'], readonly string[]>> = {
  reload: [],
  'upstream restart': ['502', '503', '504'],
  'Redis restart': [],
};

/** Everything that was seen of clients, by kind. */
export function recordClients(record: Recorder, { plan, clients, done }: SoakRun): void {
  for (const kind of ['steady', 'churn'] as const) {
    const { startedMs, result } = clients[kind];
    const seen = judge(result.timeline, plan.sliceMs, windowsFor(done, startedMs, plan.recoverySeconds));
    record.check({
      case: CASE,
      what: `${kind} clients: no request is lost outside the fault windows`,
      ok: seen.lost === 0 && seen.answered > 0,
      detail: `${seen.lost} lost there, ${seen.lostInside} inside, ${seen.answered} answered`,
    });
    const unexpected = Object.entries(seen.unexpected).map(([status, count]) => `${status}: ${count}`);
    record.check({
      case: CASE,
      what: `${kind} clients: inside them only 2xx, and 502, 503, 504 while the upstream is away`,
      ok: unexpected.length === 0,
      detail: unexpected.length === 0 ? 'nothing else' : unexpected.join(', '),
    });
  }
  const { startedMs, result } = clients.impatient;
  // That they hang up is what they are for.
  const answers = result.timeline.map((slice) => ({ ...slice, errors: 0 }));
  const { lost, answered } = judge(answers, plan.sliceMs, windowsFor(done, startedMs, plan.recoverySeconds));
  record.check({
    case: CASE,
    what: 'impatient clients: they hang up, and get no refusal outside the fault windows',
    ok: lost === 0 && result.errors > 0,
    detail: `${result.errors} hung up, ${lost} refused there, ${answered - lost} answered while something was away`,
  });
}

/** A reload may cost nothing, so it has no window. Seconds from `startedMs`. */
function windowsFor(done: readonly Done[], startedMs: number, recoverySeconds: number): FaultWindow[] {
  return done
    .filter(({ action }) => action !== 'reload')
    .map(({ action, fromMs, toMs }) => ({
      fromSeconds: (fromMs - startedMs) / 1000,
      toSeconds: (toMs - startedMs) / 1000 + recoverySeconds,
      statuses: EXPECTED[action],
    }));
}

/** Memory and descriptors: figures, and whether they grew. */
export function recordGrowth(record: Recorder, { plan, looks, filesBefore, filesAfter }: SoakRun): void {
  record.check({
    case: CASE,
    what: 'open descriptors are back to what they were',
    ok: filesAfter.all <= filesBefore.all,
    detail: `${filesBefore.all} before (${filesBefore.sockets} sockets), ${filesAfter.all} after (${filesAfter.sockets})`,
  });
  const isLong = plan.seconds >= VERDICT_SECONDS;
  if (!isLong) record.note(`No verdict on memory: ${plan.seconds} s are less than ${VERDICT_SECONDS} s.`);
  const kinds = [
    { metric: 'resident-growth', name: 'resident memory', bound: RSS_BOUND, of: ({ rssBytes }: Look) => rssBytes },
    { metric: 'heap-growth', name: 'V8 heap, all threads', bound: HEAP_BOUND, of: wholeHeap },
  ] as const;
  for (const { metric, name, bound, of } of kinds) {
    const points = looks.flatMap(({ seconds, look }): XY[] => (of(look) > 0 ? [[seconds, of(look)]] : []));
    const growth = growthOf(points, plan.seconds);
    if (growth === undefined) continue;
    const measured = { case: CASE, subject: 'gateway', unit: 'MiB', better: 'lower' } as const;
    record.measure({ ...measured, metric, samples: [rounded(growth.grown / MIB)] });
    record.measure({ ...measured, metric: metric.replace('growth', 'end'), samples: [rounded(growth.end / MIB)] });
    if (!isLong) continue;
    const most = mostGrowth(growth.level, bound);
    record.check({
      case: CASE,
      what: `${name}: the last three quarters grow by at most ${bound.share * 100} % or ${bound.least / MIB} MiB (linear fit)`,
      ok: growth.grown <= most,
      detail: `${inMib(growth.level)} to ${inMib(growth.end)} MiB, ${inMib(growth.grown)} of ${inMib(most)} MiB`,
    });
  }
}

const inMib = (bytes: number): string => (bytes / MIB).toFixed(1);

const wholeHeap = ({ heapBytes }: Look): number => Object.values(heapBytes).reduce((sum, bytes) => sum + bytes, 0);

export function recordCharts(record: Recorder, run: SoakRun): void {
  const { looks, startedMs, clients, done } = run;
  const x = { label: 'time', unit: 's' };
  const marks = done.map(({ action, fromMs }) => ({ x: rounded((fromMs - startedMs) / 1000), label: action }));
  const draw = (title: string, y: Chart['y'], lines: Chart['lines']): void => {
    const drawn = lines.filter(({ points }) => points.length > 0);
    // So many marks that nobody could read them say nothing.
    if (drawn.length > 0) record.chart({ title, x, y, lines: drawn, ...(marks.length <= MOST_MARKS && { marks }) });
  };
  const line = (name: string, of: (look: Look) => number | undefined): Chart['lines'][number] => ({
    name,
    points: looks.flatMap(({ seconds, look }): [number, number][] => {
      const value = of(look);
      return value === undefined ? [] : [[rounded(seconds), rounded(value)]];
    }),
  });
  const threads = [...new Set(looks.flatMap(({ look }) => Object.keys(look.heapBytes)))];
  draw('Memory of the gateway', { label: 'memory', unit: 'MiB' }, [
    line('resident', ({ rssBytes }) => rssBytes / MIB),
    ...threads.map((thread) =>
      line(`heap, ${thread}`, ({ heapBytes }) => {
        const bytes = heapBytes[thread];
        return bytes === undefined ? undefined : bytes / MIB;
      }),
    ),
  ]);
  draw('Open descriptors of the gateway', { label: 'descriptors', unit: '' }, [
    line('all', ({ files }) => files.all),
    line('sockets', ({ files }) => files.sockets),
  ]);
  const perSlice = (kind: 'steady' | 'churn', of: (slice: Slice) => number): [number, number][] => {
    const offset = (clients[kind].startedMs - startedMs) / 1000;
    return clients[kind].result.timeline.map((slice) => [rounded(offset + slice.atMs / 1000), of(slice)]);
  };
  draw('Requests lost or refused', { label: `in each ${run.plan.sliceMs / 1000} s`, unit: '' }, [
    { name: 'steady', points: perSlice('steady', lostIn) },
    { name: 'churn', points: perSlice('churn', lostIn) },
  ]);
  draw('Latency of the steady clients', { label: 'latency', unit: 'ms' }, [
    { name: 'p99', points: perSlice('steady', ({ p99Us }) => rounded(p99Us / 1000)) },
    { name: 'slowest', points: perSlice('steady', ({ maxUs }) => rounded(maxUs / 1000)) },
  ]);
}

/** Eight cycles of ten minutes. */
const MOST_MARKS = 24;

type Slice = SoakRun['clients']['steady']['result']['timeline'][number];
