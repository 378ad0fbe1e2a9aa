import { SMALL_GET, SMALL_POST, TLS_GET } from '../shared/exchanges.ts';
import type { BenchResult, Measure } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import { newestFirst } from './newest-first.ts';
import { formatNumber } from './numbers.ts';

/** What a reader wants to know first: a row for each subject, a column for each question. */
export interface FirstPage {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the columns are, and what is missing. */
  readonly remarks: readonly string[];
}

interface Column {
  readonly head: string;
  /** Where it is looked for, in the newest result first. */
  readonly suites: readonly string[];
  readonly metric: string;
  readonly ofCase: (name: string) => boolean;
  /** How many times the gateway's a peer's figure is. */
  readonly compared?: true;
}

const named = (wanted: string) => (name: string) => name === wanted;
const isHotKey = (name: string): boolean => name.startsWith('one hot key');
const isDeadRedis = (name: string): boolean => name === 'Redis is killed and stays dead';
const COST = { suites: ['cost', 'quick'], metric: 'cpu-per-request', compared: true } as const;

const COLUMNS: readonly Column[] = [
  { head: 'GET, µs', ...COST, ofCase: named(SMALL_GET.title) },
  { head: 'POST 1 KB, µs', ...COST, ofCase: named(SMALL_POST.title) },
  { head: 'GET over TLS, µs', ...COST, ofCase: named(TLS_GET.title) },
  {
    head: 'shared limit, with Redis, µs',
    suites: ['limits', 'quick'],
    metric: 'cpu-per-request',
    ofCase: isHotKey,
    compared: true,
  },
  { head: 'p99 at load, ms', suites: ['latency', 'quick'], metric: 'p99', ofCase: () => true },
  { head: 'fails when Redis is dead, %', suites: ['faults', 'quick'], metric: 'failed', ofCase: isDeadRedis },
  { head: 'slowest then, ms', suites: ['faults', 'quick'], metric: 'slowest', ofCase: isDeadRedis },
];

const OURS = 'gateway';
/** Names that suites give the gateway as it is shipped; other variants of it have their place further down. */
const SHIPPED: Readonly<Record<string, string>> = {
  gateway: OURS,
  'gateway, native': OURS,
  'gateway, limits on': OURS,
  'gateway, uws': 'gateway, uws',
};

const nameOf = (subject: string): string | undefined =>
  subject.startsWith('gateway') ? SHIPPED[subject] : subject === 'direct' ? undefined : subject;

/** Undefined where these results hold none of it. */
export function firstPage(results: readonly BenchResult[]): FirstPage | undefined {
  const found = COLUMNS.map((column) => ({ column, ...valuesOf(results, column) }));
  const subjects = [...new Set(found.flatMap(({ values }) => [...values.keys()]))];
  const columns = found.filter(({ values }) => values.size > 0);
  if (columns.length === 0 || !subjects.includes(OURS)) return undefined;
  const rows = [OURS, ...subjects.filter((name) => name !== OURS)].map((subject) => [
    subject,
    ...columns.map(({ column, values }) => cell(column, values, subject)),
  ]);
  const load = columns.find(({ column }) => column.metric === 'p99')?.caseName;
  return {
    head: ['', ...columns.map(({ column }) => column.head)],
    rows,
    remarks: [
      'µs: CPU of the whole process for one request, one thread each; in brackets: how many times the gateway’s.',
      ...(load === undefined ? [] : [`p99 at load: an open loop at ${load}, limits on.`]),
      ...sources(columns),
      ...missing(found),
      '–: not measured, or not told because the load generator was too slow for it.',
    ],
  };
}

/** What a column has, of which case, and where that was found. */
interface Found {
  readonly values: ReadonlyMap<string, number>;
  readonly caseName?: string | undefined;
  readonly from?: BenchResult;
}

function valuesOf(results: readonly BenchResult[], { suites, metric, ofCase }: Column): Found {
  for (const from of newestFirst(results, suites)) {
    const all = from.measures.filter(
      (one) => one.metric === metric && ofCase(one.case) && nameOf(one.subject) !== undefined,
    );
    // Of several loads the middle one.
    const cases = [...new Set(all.map((one) => one.case))];
    const caseName = cases[Math.floor((cases.length - 1) / 2)];
    const own = all.filter((one) => one.case === caseName);
    if (own.length > 0)
      return { values: new Map(own.map((one) => [nameOf(one.subject) ?? '', median(one)])), caseName, from };
  }
  return { values: new Map() };
}

/** Which run each column is from, where they are not all from one: machines and commits may differ. */
function sources(columns: readonly (Found & { readonly column: Column })[]): string[] {
  const runs = [...new Set(columns.flatMap(({ from }) => from ?? []))];
  if (runs.length < 2) return [];
  return runs.map((run) => {
    const heads = columns.filter(({ from }) => from === run).map(({ column }) => column.head);
    const { suite, startedAt, commit, machine } = run;
    const where = `${machine.cpu}, Linux ${machine.kernel}, commit ${commit.slice(0, 10)}`;
    return `From ${suite} of ${startedAt.slice(0, 10)} (${where}): ${heads.join('; ')}.`;
  });
}

const median = ({ samples }: Measure): number => summarize(samples)?.median ?? Number.NaN;

function cell({ compared }: Column, values: ReadonlyMap<string, number>, subject: string): string {
  const value = values.get(subject);
  const ours = values.get(OURS);
  if (value === undefined) return '–';
  const text = short(value);
  return compared !== true || ours === undefined || subject === OURS ? text : `${text} (${short(value / ours)})`;
}

/** Three digits are enough for a first look. */
const short = (value: number): string =>
  value === 0
    ? '0'
    : formatNumber(Number(value.toPrecision(3)))
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '');

function missing(
  found: readonly { readonly column: Column; readonly values: ReadonlyMap<string, number> }[],
): string[] {
  const heads = found.filter(({ values }) => values.size === 0).map(({ column }) => column.head.split(',')[0] ?? '');
  return heads.length === 0 ? [] : [`Not measured in these results: ${heads.join('; ')}.`];
}
