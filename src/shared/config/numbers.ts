import * as z from 'zod';
import { MAX_COUNT } from '../breaker/tally.ts';
import { fromText } from './parsed.ts';

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** The same bounds hold for an environment variable and for the YAML key that overrides it. */
export const BOUNDS = {
  listenPort: { min: 0, max: 65_535 },
  port: { min: 1, max: 65_535 },
  workers: { min: 1, max: 256 },
  /** uWebSockets.js counts idle time in 240 ticks of 4 seconds. */
  idleSeconds: { min: 1, max: 900 },
  seconds: { min: 0.001, max: 86_400 },
  secondsOrNone: { min: 0, max: 86_400 },
  headerBytes: { min: 1024, max: 262_144 },
  queryBytes: { min: 1, max: 262_144 },
  /** Our own front has room for so many. */
  headerCount: { min: 1, max: 256 },
  /** Up to 1 TiB. */
  bodyBytes: { min: 0, max: 1_099_511_627_776 },
  /** Of a WebSocket; up to 16 MiB. */
  messageBytes: { min: 1, max: 16_777_216 },
  count: { min: 1, max: 1_000_000 },
  countOrNone: { min: 0, max: 1_000_000 },
  connections: { min: 1, max: 65_535 },
  pipelining: { min: 1, max: 32 },
  queue: { min: 0, max: 1_000_000 },
  /** What compileRule of shared/limits takes. */
  capacity: { min: 0, max: 1_000_000_000 },
  refillPerSecond: { min: 0.000_001, max: 1_000_000_000 },
  lease: { min: 0, max: 1_000_000 },
  maxClients: { min: 1_000, max: 100_000_000 },
  ipv6Prefix: { min: 1, max: 128 },
  batchMicroseconds: { min: 0, max: 1_000_000 },
  limitMilliseconds: { min: 1, max: 60_000 },
  loopLagMilliseconds: { min: 0, max: 10_000 },
  failureThreshold: { min: 1, max: MAX_COUNT },
  halfOpenSuccesses: { min: 1, max: 1000 },
  openFactor: { min: 1, max: 100 },
  minNodes: { min: 1, max: 1000 },
  backups: { min: 1, max: 1000 },
  days: { min: 0, max: 36_500 },
  failureStatus: { min: 500, max: 599 },
  healthInterval: { min: 1, max: 3_600 },
  healthTimeout: { min: 0.01, max: 60 },
  identityCacheSeconds: { min: 1, max: 3_600 },
  jwksRefreshSeconds: { min: 1, max: 86_400 },
  jwksStaleSeconds: { min: 60, max: 2_592_000 },
  clockSkewSeconds: { min: 0, max: 300 },
  authorizeTimeout: { min: 0.01, max: 60 },
  authorizeCache: { min: 0, max: 3_600 },
  healthInARow: { min: 1, max: 100 },
  weight: { min: 0, max: 100 },
  dnsRefreshSeconds: { min: 1, max: 3_600 },
  slowStartSeconds: { min: 0, max: 3_600 },
  ejectConsecutive: { min: 1, max: 1_000 },
  ejectSeconds: { min: 0.1, max: 300 },
  percent: { min: 0, max: 100 },
  mirrorPercent: { min: 0.01, max: 100 },
  retries: { min: 0, max: 5 },
  retriesPerSecond: { min: 0, max: 1_000 },
  retryWindow: { min: 1, max: 300 },
} as const satisfies Record<string, Bounds>;

const wholePhrase = ({ min, max }: Bounds): string => `a whole number from ${min} to ${max}`;
/** @param zero what 0 means, where it may be given */
const secondsPhrase = ({ min, max }: Bounds, zero = 'no limit'): string =>
  `a number of seconds from ${min} to ${max}${min === 0 ? ` (0 = ${zero})` : ''}`;

const decimalPhrase = ({ min, max }: Bounds): string => `a number from ${min} to ${max}`;

/** A whole number in YAML. */
export const wholeNumber = (bounds: Bounds): z.ZodInt =>
  z.int(wholePhrase(bounds)).min(bounds.min, wholePhrase(bounds)).max(bounds.max, wholePhrase(bounds));

/** Seconds in YAML, fractions allowed. @param zero what 0 means, where it may be given */
export function seconds(bounds: Bounds, zero?: string): z.ZodNumber {
  const phrase = secondsPhrase(bounds, zero);
  return z.number(phrase).min(bounds.min, phrase).max(bounds.max, phrase);
}

/** A number in YAML, fractions allowed. */
export const decimal = (bounds: Bounds): z.ZodNumber =>
  z.number(decimalPhrase(bounds)).min(bounds.min, decimalPhrase(bounds)).max(bounds.max, decimalPhrase(bounds));

const SHARE_PHRASE = 'a share from 0.001 to 1 (0 = off)';

const isTooSmall = (value: number): boolean => value > 0 && value < 0.001;

/** A share in YAML. The breaker counts in thousandths, so less than one would be none. */
export const share = z
  .number(SHARE_PHRASE)
  .min(0, SHARE_PHRASE)
  .max(1, SHARE_PHRASE)
  .refine((value) => !isTooSmall(value), SHARE_PHRASE);

const within = (value: number, { min, max }: Bounds): boolean => value >= min && value <= max;

/** A whole number in the environment. */
export const wholeNumberText = (bounds: Bounds): z.ZodType<number, string> =>
  fromText((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return within(value, bounds) ? { ok: true, value } : { ok: false, expected: wholePhrase(bounds) };
  });

const decimalText = (bounds: Bounds, expected: string): z.ZodType<number, string> =>
  fromText((text) => {
    const value = /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    return within(value, bounds) ? { ok: true, value } : { ok: false, expected };
  });

/** Seconds in the environment, such as `0.25`. @param zero what 0 means, where it may be given; default: no limit */
export const secondsText = (bounds: Bounds, zero?: string): z.ZodType<number, string> =>
  decimalText(bounds, secondsPhrase(bounds, zero));

/** A number in the environment, fractions allowed. */
export const numberText = (bounds: Bounds): z.ZodType<number, string> => decimalText(bounds, decimalPhrase(bounds));

/** Whole milliseconds; 0 stays 0, and nothing else becomes 0 (which would mean "no limit"). */
export const toMs = (value: number): number => (value === 0 ? 0 : Math.max(1, Math.round(value * 1000)));

/** A share in the environment. */
export const shareText: z.ZodType<number, string> = fromText((text) => {
  const value = /^[01](\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  return value <= 1 && !isTooSmall(value) ? { ok: true, value } : { ok: false, expected: SHARE_PHRASE };
});

/** A share that is not off. */
export const shareOfOneText: z.ZodType<number, string> = decimalText({ min: 0.01, max: 1 }, 'a share from 0.01 to 1');
