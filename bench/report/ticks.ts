/** An axis: its ticks in rising order; the first and the last are its ends. */
export interface Axis {
  readonly scale: 'linear' | 'log';
  readonly ticks: readonly number[];
}

/** Above this ratio of highest to lowest, all positive, a linear axis would hide the small values. */
const LOG_FROM_RATIO = 1000;
const ROUND_STEPS = [1, 2, 5, 10] as const;

/**
 * A linear axis of round numbers (1, 2 or 5 times a power of ten) that covers `low` to `high`.
 * @param about how many intervals there is room for; there are never more than this plus two
 */
export function linearAxis(low: number, high: number, about: number): Axis {
  // Equal ends: room is made above, so that the axis has a length. The factor keeps a step above the numbers' own grain.
  const span = Math.max(high - low, Math.abs(high) * 1e-9, Number.MIN_VALUE * 1e20) || 1;
  const raw = high === low ? Math.max(Math.abs(high), 1) / about : span / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (ROUND_STEPS.find((factor) => factor * power >= raw * (1 - 1e-12)) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return { scale: 'linear', ticks: Array.from({ length: last - first + 1 }, (_, i) => round((first + i) * step)) };
}

/** The powers of ten that cover `low` to `high`, both above zero. */
export function logAxis(low: number, high: number): Axis {
  const first = Math.floor(Math.log10(low));
  const last = Math.max(Math.ceil(Math.log10(high)), first + 1);
  return { scale: 'log', ticks: Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i)) };
}

/** A logarithmic axis only where all values are positive and span more than three decades. */
export function axisFor(values: readonly number[], about: number, fromZero: boolean): Axis {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (low > high) return linearAxis(0, 1, about);
  if (low > 0 && high / low > LOG_FROM_RATIO) return logAxis(low, high);
  return fromZero ? linearAxis(Math.min(0, low), Math.max(0, high), about) : linearAxis(low, high, about);
}

/** Where a value lies on the axis: 0 at its beginning, 1 at its end. */
export function positionOn({ scale, ticks }: Axis, value: number): number {
  const at = (x: number): number => (scale === 'log' ? Math.log10(x) : x);
  const first = at(ticks[0] ?? 0);
  const last = at(ticks.at(-1) ?? 1);
  return (at(value) - first) / (last - first);
}

const SUFFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** The ticks as texts, all with the same factor (from 10,000: k, M, G, T) and as many decimals as they need. */
export function tickTexts({ scale, ticks }: Axis): string[] {
  if (scale === 'log') return ticks.map((tick) => withSuffix(tick));
  const highest = Math.max(...ticks.map(Math.abs));
  const [factor, suffix] = highest < 10_000 ? ([1, ''] as const) : (SUFFIXES.find(([f]) => highest >= f) ?? [1, '']);
  return ticks.map((tick) => (tick === 0 ? '0' : `${plain(tick / factor)}${suffix === '' ? '' : ` ${suffix}`}`));
}

function withSuffix(tick: number): string {
  const found = tick < 10_000 ? undefined : SUFFIXES.find(([factor]) => tick >= factor);
  return found === undefined ? plain(tick) : `${plain(tick / found[0])} ${found[1]}`;
}

const plain = (value: number): string =>
  Math.abs(value) >= 1e-4 ? round(value).toLocaleString('en-US', { maximumFractionDigits: 6 }) : value.toExponential();

/** Without what binary fractions add: 0.30000000000000004. */
const round = (value: number): number => Number(value.toPrecision(12));
