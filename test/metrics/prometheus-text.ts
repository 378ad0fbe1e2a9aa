import { spawnSync } from 'node:child_process';
import type { Gateway } from '../support/gateway.ts';

type Labels = Readonly<Record<string, string>>;

/** One answer of `/metrics`. */
export interface Exposition {
  readonly text: string;
  /** How long it took. */
  readonly ms: number;
  /** Value of a series written as `name{label="value",…}`, labels in any order; `undefined`: there is none. */
  value(series: string): number | undefined;
  /** All values of a metric whose labels hold these. */
  values(name: string, labels?: Labels): number[];
  /** The sum of those. */
  sum(name: string, labels?: Labels): number;
  /** Label sets of a metric, as text with the labels in order of their names. */
  labelSets(name: string): string[];
}

interface Line {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

function parseLine(line: string): Line {
  const [, name = '', text = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === '') throw new Error(`not a line of the exposition: ${line}`);
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  const labels = Object.fromEntries([...pairs].map(([, key, label]) => [key, label]));
  return { name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) };
}

const inOrder = (labels: Labels): string =>
  Object.keys(labels)
    .sort()
    .map((key) => `${key}="${labels[key]}"`)
    .join(',');

export async function scrape({ adminUrl }: Pick<Gateway, 'adminUrl'>): Promise<Exposition> {
  const fromMs = performance.now();
  const response = await fetch(`${adminUrl}/metrics`);
  const text = await response.text();
  const ms = performance.now() - fromMs;
  if (response.status !== 200) throw new Error(`/metrics: ${response.status} ${text}`);
  const lines = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseLine);
  const bySeries = new Map(lines.map(({ name, labels, value }) => [`${name}{${inOrder(labels)}}`, value]));
  if (bySeries.size !== lines.length) throw new Error('a series is there twice');
  const matching = (name: string, wanted: Labels = {}): Line[] =>
    lines.filter(
      (line) => line.name === name && Object.entries(wanted).every(([key, want]) => line.labels[key] === want),
    );
  return {
    text,
    ms,
    value: (series) => {
      const { name, labels } = parseLine(`${series} 0`);
      return bySeries.get(`${name}{${inOrder(labels)}}`);
    },
    values: (name, labels) => matching(name, labels).map(({ value }) => value),
    sum: (name, labels) => matching(name, labels).reduce((sum, { value }) => sum + value, 0),
    labelSets: (name) => matching(name).map(({ labels }) => inOrder(labels)),
  };
}

/** What `promtool check metrics` has to say; '' = nothing, it is content. */
export function promtoolSays(text: string): string {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error; // no promtool on this machine: fail, never skip
  return `${stdout}${stderr}${status === 0 ? '' : `exit code ${status}`}`;
}
