import { InvalidArgumentError } from 'commander';
import { KEEP_SECONDS } from '../shared/admin/keys.ts';
import { OVERRIDE_SECONDS } from '../shared/admin/breakers.ts';
import { PROFILE_SECONDS } from '../shared/profile/order.ts';
import { MAINTENANCE_SECONDS } from '../shared/maintenance/maintenance.ts';

/** Readers of arguments. Each throws commander's error, whose message follows the name of the option. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)?$/;

const SHAPE = 'a time such as 30s, 5m, 1h or plain seconds';

/** Milliseconds of `500ms`, `30s`, `5m`, `1h`, `1d` or plain seconds. */
function toMs(text: string): number {
  const [, number, unit = 's'] = DURATION.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError(`Expected ${SHAPE}.`);
  return Number(number) * (UNIT_MS[unit] ?? 0);
}

const duration =
  ({ leastMs, mostMs, bounds }: { leastMs: number; mostMs: number; bounds: string }) =>
  (text: string): number => {
    const ms = toMs(text);
    if (ms < leastMs || ms > mostMs) throw new InvalidArgumentError(`Expected ${SHAPE}, ${bounds}.`);
    return ms;
  };

const overrideMs = duration({ leastMs: 1_000, mostMs: OVERRIDE_SECONDS.most * 1_000, bounds: 'from 1s to 24h' });

/** How long an operator's word holds, in whole seconds. */
export const overrideSeconds = (text: string): number => wholeSeconds(overrideMs(text));

function wholeSeconds(ms: number): number {
  if (ms % 1_000 !== 0) throw new InvalidArgumentError('Expected whole seconds.');
  return ms / 1_000;
}

const maintenanceMs = duration({
  leastMs: 1_000,
  mostMs: MAINTENANCE_SECONDS.most * 1_000,
  bounds: 'from 1s to 7d',
});

/** How long maintenance lasts, in whole seconds. */
export const maintenanceSeconds = (text: string): number => wholeSeconds(maintenanceMs(text));

const keepMs = duration({ leastMs: 0, mostMs: KEEP_SECONDS.most * 1_000, bounds: 'from 0 to 7d' });

/** How long a key that was replaced goes on, in whole seconds. */
export const keepSeconds = (text: string): number => Math.round(keepMs(text) / 1_000);

/** Milliseconds between two looks. */
export const intervalMs = duration({ leastMs: 200, mostMs: 3_600_000, bounds: 'from 200ms to 1h' });

/** Milliseconds that something may be old. */
export const ageMs = duration({ leastMs: 1_000, mostMs: 366 * 86_400_000, bounds: 'from 1s to 366d' });

/** Milliseconds to wait for an answer. */
export const timeoutMs = duration({ leastMs: 1, mostMs: 600_000, bounds: 'from 1ms to 10m' });

const profileMs = duration({
  leastMs: PROFILE_SECONDS.least * 1_000,
  mostMs: PROFILE_SECONDS.most * 1_000,
  bounds: 'from 0.1s to 30s',
});

/** How long a profile is taken, in seconds. */
export const profileSeconds = (text: string): number => profileMs(text) / 1_000;

/** Number of a request thread. */
export function threadSlot(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('Expected the number of a request thread, such as 0.');
  return Number(text);
}

/** Tokens of a bucket. */
export function tokens(text: string): number {
  if (!/^\d{1,10}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('Expected a number of at least 0.');
  return Number(text);
}

/** Statuses such as `200`, `200,204` or `2xx`. */
export type Expected = readonly string[];

export function expectedStatuses(text: string): Expected {
  const parts = text.split(',').map((part) => part.trim().toLowerCase());
  if (parts.every((part) => /^[1-5](\d\d|xx)$/.test(part))) return parts;
  throw new InvalidArgumentError('Expected statuses such as 200, 200,204 or 2xx.');
}

export function httpMethod(text: string): string {
  if (/^[A-Za-z]{1,32}$/.test(text)) return text.toUpperCase();
  throw new InvalidArgumentError('Expected a method such as GET or HEAD.');
}
