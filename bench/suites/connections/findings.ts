import { rounded } from '../../shared/figures.ts';
import type { Memory } from '../../shared/memory.ts';
import type { Chart, Measure } from '../../shared/result.ts';
import { ratiosByRound, summarize } from '../../shared/statistics.ts';
import type { Recorder } from '../../shared/suite.ts';
import type { Held } from './hold.ts';

/** All rounds of all subjects with so many connections. */
export interface Step {
  readonly count: number;
  readonly held: readonly { readonly round: number; readonly value: Held }[];
}

const MIB = 1024 ** 2;
/** Of the whole process, from one look to the next: growth below it says nothing. */
const BY_ITSELF = 2 * MIB;
const GROWTH = 'resident-bytes-per-connection';
const FURTHER = 'resident-bytes-per-further-connection';

const titleOf = (count: number): string => `${count.toLocaleString('en-US')} idle connections`;
const perConnection = (count: number, pick: (memory: Memory) => number): ((held: Held) => number) => {
  return ({ holding, before }) => (pick(holding) - pick(before)) / count;
};
const rss = ({ rssBytes }: Memory): number => rssBytes;
/** By so much that it says something; V8 also gives memory back meanwhile. */
const hasGrown = ({ before, holding }: Held): boolean => rss(holding) - rss(before) >= BY_ITSELF;

/** Figures and checks of one step. */
export function recordStep(record: Recorder, step: Step): void {
  const { count } = step;
  const title = titleOf(count);
  for (const subject of namesIn([step])) {
    const own = valuesOf(step, subject);
    const measure = (figure: Pick<Measure, 'metric' | 'unit' | 'better'>, of: (one: Held) => number): void =>
      record.measure({ case: title, subject, ...figure, samples: own.map((one) => rounded(of(one))) });
    const tells = own.every(hasGrown);
    if (tells) measure({ metric: GROWTH, unit: 'B', better: 'lower' }, perConnection(count, rss));
    else {
      const grown = own.map(({ before, holding }) => rounded((rss(holding) - rss(before)) / MIB)).join(', ');
      record.note(
        `${title}, ${subject}: no bytes per connection, the process grew by ${grown} MiB, and it moves by ${BY_ITSELF / MIB} MiB by itself.`,
      );
    }
    if (tells && own.every(({ before, holding }) => before.pssBytes !== undefined && holding.pssBytes !== undefined)) {
      const pss = ({ pssBytes }: Memory): number => pssBytes ?? 0;
      const figure = { metric: 'proportional-bytes-per-connection', unit: 'B', better: 'lower' } as const;
      measure(figure, perConnection(count, pss));
    }
    measure({ metric: 'resident-before', unit: 'MiB', better: 'neither' }, ({ before }) => rss(before) / MIB);
    measure({ metric: 'resident-holding', unit: 'MiB', better: 'lower' }, ({ holding }) => rss(holding) / MIB);
    measure({ metric: 'resident-after', unit: 'MiB', better: 'neither' }, ({ after }) => rss(after) / MIB);
    recordAnswers(record, { title, subject, count, own });
  }
  const ours = namesIn([step]).filter(isGateway);
  const peers = namesIn([step]).filter((name) => !isGateway(name));
  for (const subject of ours) for (const against of peers) recordGrowth(record, step, { subject, against });
}

const isGateway = (name: string): boolean => name.startsWith('gateway');

function recordGrowth(
  record: Recorder,
  { count, held }: Step,
  { subject, against }: { readonly subject: string; readonly against: string },
): void {
  const points = (name: string) =>
    held
      .filter(({ value }) => value.subject === name)
      .map(({ round, value }) => ({ round, value: perConnection(count, rss)(value) }));
  const lost = [subject, against].find((name) => points(name).some(({ value }) => value * count < BY_ITSELF));
  const samples = lost === undefined ? ratiosByRound(points(subject), points(against)).map(rounded) : [];
  const refused = `${lost ?? ''} grew by less than ${BY_ITSELF / MIB} MiB: memory moves by that much without connections`;
  const found = lost === undefined ? { samples } : { samples, refused };
  record.ratio({ case: titleOf(count), subject, against, metric: GROWTH, better: 'lower', ...found });
}

/**
 * What each further connection takes, from the first step to the last: both are looked at after the same warm-up and burst,
 * so what that left behind drops out.
 */
export function recordSlope(record: Recorder, steps: readonly Step[]): void {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined || last === first) return;
  const title = `${titleOf(first.count)} to ${last.count.toLocaleString('en-US')}`;
  for (const subject of namesIn([last])) {
    const lower = valuesOf(first, subject);
    const samples = valuesOf(last, subject).flatMap(({ holding }, i) => {
      const few = lower[i];
      return few === undefined ? [] : [rounded((rss(holding) - rss(few.holding)) / (last.count - first.count))];
    });
    record.measure({ case: title, subject, metric: FURTHER, unit: 'B', better: 'lower', samples });
  }
}

interface Answers {
  readonly title: string;
  readonly subject: string;
  readonly count: number;
  readonly own: readonly Held[];
}

function recordAnswers(record: Recorder, { title, subject, count, own }: Answers): void {
  const failure = own
    .map(({ opened, sampled }) => opened.failure ?? sampled.failure)
    .find((text) => text !== undefined);
  const least = (pick: (one: Held) => number): number => Math.min(...own.map(pick));
  const sampled = own[0] === undefined ? 0 : own[0].sampled.answered + own[0].sampled.failed;
  const open = least((one) => one.sampled.open);
  const answered = least((one) => one.sampled.answered);
  const first = least((one) => one.opened.answered);
  record.check({
    case: title,
    what: `${subject}: every connection was used, stayed open, and a sample answers again`,
    ok: first === count && open === count && answered === sampled,
    detail:
      `${first} of ${count} answered first, ${open} still open at the end, ${answered} of ${sampled} asked answered again` +
      (failure === undefined ? '' : `; ${failure}`),
  });
}

/** Memory over the number of connections, the median of the rounds. */
export function recordCharts(record: Recorder, steps: readonly Step[]): void {
  const line = (
    name: string,
    of: (count: number, one: Held) => number,
    tells: (one: Held) => boolean = () => true,
  ): Chart['lines'][number] => ({
    name,
    points: steps.flatMap((step): [number, number][] => {
      const median = summarize(
        valuesOf(step, name)
          .filter(tells)
          .map((one) => of(step.count, one)),
      )?.median;
      return median === undefined ? [] : [[step.count, rounded(median)]];
    }),
  });
  const names = namesIn(steps);
  const x = { label: 'idle connections', unit: '' };
  const added = names
    .map((name) => line(name, (count, one) => perConnection(count, rss)(one), hasGrown))
    .filter(({ points }) => points.length > 0);
  const title = 'Resident memory that each idle connection adds';
  if (added.length > 0) record.chart({ title, x, y: { label: 'per connection', unit: 'B' }, lines: added });
  record.chart({
    title: 'Resident memory of the whole process',
    x,
    y: { label: 'resident', unit: 'MiB' },
    lines: names.flatMap((name) => [
      line(name, (_, { holding }) => rss(holding) / MIB),
      { ...line(name, (_, { after }) => rss(after) / MIB), name: `${name}, connections closed` },
    ]),
  });
}

const namesIn = (steps: readonly Step[]): string[] => [
  ...new Set(steps.flatMap(({ held }) => held.map(({ value }) => value.subject))),
];

const valuesOf = ({ held }: Step, name: string): Held[] =>
  held.filter(({ value }) => value.subject === name).map(({ value }) => value);
