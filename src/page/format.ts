/** Numbers and times as people read them. A value that is not known is a dash. */

export const UNKNOWN = '–';

/** Three digits and a unit: 0, 0.3, 12, 1,240, 18.2k. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return UNKNOWN;
  if (value === 0) return '0';
  if (value < 10 && Number.isInteger(value)) return String(value);
  if (value < 10) return value < 0.05 ? '<0.1' : value.toFixed(1);
  if (value < 10_000) return Math.round(value).toLocaleString('en');
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

/** @param share 0 to 1 */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || Number.isNaN(share)) return UNKNOWN;
  const value = share * 100;
  if (value === 0) return '0 %';
  return `${value < 0.1 ? '<0.1' : value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** @param seconds of a request */
export function latency(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return UNKNOWN;
  if (seconds === 0) return '0 ms';
  const ms = seconds * 1000;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${seconds.toFixed(2)} s`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  let [left, unit] = [value, 0];
  while (left >= 1024 && unit < UNITS.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${UNITS[unit]}`;
}

/** How long, in its two largest units: 4 s, 2 min 5 s, 3 h 12 min, 2 d 4 h. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** Seconds from one time to another, both ISO 8601. */
export const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;

/** The time of day where the reader is; with the date where that is another. */
export function clock(iso: string, now: string): string {
  const [then, today] = [new Date(iso), new Date(now)];
  const time = then.toLocaleTimeString('en-GB');
  return then.toDateString() === today.toDateString() ? time : `${then.toLocaleDateString('en-CA')} ${time}`;
}
