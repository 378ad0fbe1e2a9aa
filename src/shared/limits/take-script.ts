import type { KeyOf } from '../redis/keys.ts';
import { readScript } from '../redis/scripts.ts';
import type { Script } from '../redis/scripts.ts';
import type { Want } from './store.ts';

/** A full Redis does not run it at all: it may make buckets. */
const USUAL = '#!lua\nlocal only_known = false\n';
/** A full Redis still limits the clients that have buckets; it gets none for others. */
const WHEN_FULL = '#!lua flags=allow-oom\nlocal only_known = true\n';
const REDIS_TIME = `local redis_time = redis.call('TIME')
local now_ms, first_argument = redis_time[1] * 1000 + redis_time[2] / 1000, 1
`;
const TIME_FROM_TEST = `local now_ms, first_argument = tonumber(ARGV[1]), 2
`;

const BODY = new URL('./take-tokens.lua', import.meta.url);

/** What production runs: time is Redis's own. */
export const takeScript: Script = readScript(BODY, USUAL + REDIS_TIME);

/** The same for a Redis that refuses to run that one because it is full. */
export const takeScriptWhenFull: Script = readScript(BODY, WHEN_FULL + REDIS_TIME);

/** The same body under a clock that a test sets: ARGV[1] is the time in milliseconds. */
export const takeScriptWithTestClock: Script = readScript(BODY, USUAL + TIME_FROM_TEST);

const DEBTS = 1;
const ONLY_KNOWN = 2;

/**
 * Arguments after the script: number of keys, keys, then ARGV as take-tokens.lua describes it.
 * @param isFull only wants that say so may make buckets for a client that has none
 */
export function takeArguments(wants: readonly Want[], keyOf: KeyOf, isFull = false): (string | number)[] {
  const args: (string | number)[] = [0];
  for (const want of wants) for (const rule of want.lane.rules) args.push(keyOf(want.client, rule.keySuffix));
  args[0] = args.length - 1;
  for (let start = 0; start < wants.length;) {
    const { lane, charges } = wants[start] as Want;
    const flags = flagsOf(wants[start] as Want, isFull);
    let end = start + 1;
    while (end < wants.length && wants[end]?.lane === lane && flagsOf(wants[end] as Want, isFull) === flags) end++;
    args.push(lane.rules.length, lane.cost, end - start, flags);
    for (const rule of lane.rules) args.push(rule.capacityText, rule.rateText);
    for (let i = start; i < end; i++) {
      const want = wants[i] as Want;
      args.push(want.units);
      if (charges === undefined) continue;
      for (let rule = 0; rule < lane.rules.length; rule++) {
        const owed = want.charges?.[rule];
        args.push(owed?.tokens ?? 0, owed?.ageMs ?? 0);
      }
    }
    start = end;
  }
  return args;
}

const flagsOf = ({ charges, mayMake }: Want, isFull: boolean): number =>
  (charges === undefined ? 0 : DEBTS) + (isFull && mayMake !== true ? ONLY_KNOWN : 0);

/** What a reply says of the wants it answers. */
export interface TakeReply {
  /** Wants whose part makes no sense: nothing is known of their tokens. Usually none. */
  readonly unusable: readonly Want[];
  /** Buckets that were damaged and start full. */
  readonly damagedBuckets: number;
}

const NONE: readonly Want[] = [];
/** In place of what is granted: the client has no bucket, and was given none. */
const NEW = 'new';
/** The largest level, in the millionths of the reply. */
const MOST_LEFT = 1e15;

/**
 * Writes a reply into its wants.
 * @returns `undefined` when the reply is not what the script returns; all wants are then unusable
 */
export function readTakeReply(reply: unknown, wants: readonly Want[]): TakeReply | undefined {
  if (!Array.isArray(reply)) return undefined;
  let at = 0;
  let unusable: Want[] | undefined;
  for (const want of wants) {
    const granted = reply[at++] as number | typeof NEW;
    let isUsable = granted === NEW || isPossible(granted, want.units);
    want.isNew = granted === NEW;
    want.granted = granted === NEW ? 0 : granted;
    for (let rule = 0; rule < want.lane.rules.length; rule++) {
      const left = reply[at++] as number;
      if (!(left >= -MOST_LEFT && left <= MOST_LEFT)) isUsable = false;
      want.left[rule] = left / 1_000_000;
    }
    if (want.charges !== undefined) {
      for (let rule = 0; rule < want.lane.rules.length; rule++) {
        const unpaid = reply[at++] as number;
        if (!(unpaid >= 0 && unpaid <= MOST_LEFT)) isUsable = false;
        if (want.unpaid !== undefined) want.unpaid[rule] = unpaid / 1_000_000;
      }
    }
    if (!isUsable) (unusable ??= []).push(want);
  }
  const damagedBuckets = reply[at] as unknown;
  if (at + 1 !== reply.length || typeof damagedBuckets !== 'number') return undefined;
  return { unusable: unusable ?? NONE, damagedBuckets };
}

/** Whole, and from nothing to all that was asked; what is given back is taken whole. */
const isPossible = (granted: number, units: number): boolean =>
  units > 0 ? Number.isInteger(granted) && granted >= 0 && granted <= units : granted === units;
