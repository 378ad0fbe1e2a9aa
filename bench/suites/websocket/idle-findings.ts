import { rounded } from '../../shared/figures.ts';
import type { Measure } from '../../shared/result.ts';
import { ratiosByRound, summarize } from '../../shared/statistics.ts';
import type { Recorder } from '../../shared/suite.ts';
import type { HolderReport } from '../connections/messages.ts';
import { idleFigure } from './idle-figure.ts';
import type { IdleFigure } from './idle-figure.ts';

const MIB = 1024 ** 2;
const PER_SOCKET = 'resident-bytes-per-socket';
/** The most an idle WebSocket of the gateway should take, both its connections together. */
const GOAL_BYTES = 4096;

/** One subject in one round, from its start to its end; resident bytes. */
export interface IdleLooks {
  readonly subject: string;
  /** Warm and quiet, and half a settling later. */
  readonly quiet: number;
  readonly before: number;
  readonly holding: number;
  readonly after: number;
  readonly opened: HolderReport;
  readonly sampled: HolderReport;
}

/** Figures, ratios and checks of all rounds with so many WebSockets. */
export function recordIdle(record: Recorder, seen: readonly IdleLooks[], sockets: number): void {
  const title = `${sockets.toLocaleString('en-US')} idle WebSockets`;
  const figures = new Map<string, IdleFigure>();
  for (const subject of new Set(seen.map((one) => one.subject))) {
    const own = seen.filter((one) => one.subject === subject);
    const rounds = own.map(({ quiet, before, holding }) => ({
      grownBytes: holding - before,
      movedBytes: before - quiet,
    }));
    const figure = idleFigure(rounds, sockets);
    figures.set(subject, figure);
    const measure = (more: Pick<Measure, 'metric' | 'unit' | 'better'>, samples: readonly number[]): void =>
      record.measure({ case: title, subject, ...more, samples: [...samples] });
    if (figure.refused === undefined) measure({ metric: PER_SOCKET, unit: 'B', better: 'lower' }, figure.samples);
    record.note(`${title}, ${subject}: ${inWords(figure, subject)}.`);
    const whole = (of: (one: IdleLooks) => number): number[] => own.map((one) => rounded(of(one) / MIB));
    measure(
      { metric: 'resident-before', unit: 'MiB', better: 'neither' },
      whole(({ before }) => before),
    );
    measure(
      { metric: 'resident-holding', unit: 'MiB', better: 'lower' },
      whole(({ holding }) => holding),
    );
    measure(
      { metric: 'resident-after', unit: 'MiB', better: 'neither' },
      whole(({ after }) => after),
    );
    recordAnswers(record, { title, subject, sockets, own });
  }
  const [gateway, ...peers] = [...figures.keys()];
  for (const against of peers) recordRatio(record, { title, subject: gateway ?? '', against, figures });
  record.note(
    `${title}, each round on fresh processes: resident memory of the process with them less that of the same process before, warm, after garbage has been ` +
      'collected and all has been quiet. Not in it: what the kernel keeps for sockets, and what a program sets aside at ' +
      'its start, such as the table nginx makes for worker_connections.',
  );
}

function inWords({ samples, noise, refused }: IdleFigure, subject: string): string {
  if (refused !== undefined) return `no bytes for each: ${refused}`;
  const { median, min, max } = summarize(samples) ?? { median: 0, min: 0, max: 0 };
  const [middle, low, high] = [median, min, max].map(Math.round);
  const goal = median <= GOAL_BYTES ? 'met' : 'missed';
  const judged = subject === 'gateway' ? `; the goal of at most ${GOAL_BYTES} B is ${goal}` : '';
  return `${middle} B for each (${low} to ${high}, noise ${noise})${judged}`;
}

interface Pair {
  readonly title: string;
  readonly subject: string;
  readonly against: string;
  readonly figures: ReadonlyMap<string, IdleFigure>;
}

function recordRatio(record: Recorder, { title, subject, against, figures }: Pair): void {
  const pair = [subject, against];
  const refused = pair.find((name) => figures.get(name)?.refused !== undefined);
  const points = (name: string) => (figures.get(name)?.samples ?? []).map((value, i) => ({ round: i + 1, value }));
  const found =
    refused === undefined
      ? { samples: ratiosByRound(points(subject), points(against)).map(rounded) }
      : { samples: [], refused: `${refused}: ${figures.get(refused)?.refused}` };
  record.ratio({ case: title, subject, against, metric: PER_SOCKET, better: 'lower', ...found });
}

interface Answers {
  readonly title: string;
  readonly subject: string;
  readonly sockets: number;
  readonly own: readonly IdleLooks[];
}

function recordAnswers(record: Recorder, { title, subject, sockets, own }: Answers): void {
  const least = (of: (one: IdleLooks) => number): number => Math.min(...own.map(of));
  const opened = least((one) => one.opened.answered);
  const open = least((one) => one.sampled.open);
  const failed = Math.max(...own.map(({ sampled }) => sampled.failed));
  const failure = own.map((one) => one.opened.failure ?? one.sampled.failure).find((text) => text !== undefined);
  record.check({
    case: title,
    what: `${subject}: every WebSocket opened and stayed open, and a sample still echoes`,
    ok: opened === sockets && open === sockets && failed === 0,
    detail:
      `${opened} of ${sockets} opened, ${open} still open at the end, ${failed} of the sample did not echo` +
      (failure === undefined ? '' : `; ${failure}`),
  });
}
