/** A whole number with commas between thousands. */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A number as short as its size allows: 0.25, 12.5, 1,234. */
export const figure = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 1 ? 2 : value < 100 ? 1 : 0 });

export const percent = (share: number): string => {
  const hundredths = share * 100;
  return `${hundredths > 0 && hundredths < 0.1 ? '<0.1' : hundredths.toFixed(1)}%`;
};

const PARTS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A time for people, its two largest parts: `2d 3h`, `5m`, `0.4s`. */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 10 && !Number.isInteger(seconds))
    return `${Math.max(0.1, Math.ceil(seconds * 10) / 10)}s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of PARTS) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0) parts.push(`${whole}${unit}`);
    if (parts.length === 2 || (parts.length === 1 && whole === 0)) break;
  }
  return parts.join(' ') || '0s';
}

/** Milliseconds with the digits that matter. */
export function milliseconds(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms >= 10_000 ? 0 : 2)} s`;
  return `${ms < 10 ? ms.toFixed(ms < 1 ? 2 : 1) : Math.round(ms)} ms`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytes(value: number): string {
  const power = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${power > 0 && scaled < 100 ? scaled.toFixed(1) : Math.round(scaled)} ${UNITS[power] ?? ''}`;
}
