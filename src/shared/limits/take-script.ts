import type { KeyOf } from '../redis/keys.ts';
import { readScript } from '../redis/scripts.ts';
import type { Script } from '../redis/scripts.ts';
import type { Lane } from './rule.ts';
import type { Want } from './store.ts';

/** `allow-oom`: a full Redis still limits; what the script writes has a short life. */
const FLAGS = '#!lua flags=allow-oom\n';
const REDIS_TIME = `local redis_time = redis.call('TIME')
local now_ms, first_argument = redis_time[1] * 1000 + redis_time[2] / 1000, 1
`;
const TIME_FROM_TEST = `local now_ms, first_argument = tonumber(ARGV[1]), 2
`;

const BODY = new URL('./take-tokens.lua', import.meta.url);

/** What production runs: time is Redis's own. */
export const takeScript: Script = readScript(BODY, FLAGS + REDIS_TIME);

/** The same body under a clock that a test sets: ARGV[1] is the time in milliseconds. */
export const takeScriptWithTestClock: Script = readScript(BODY, FLAGS + TIME_FROM_TEST);

/** Arguments after the script: number of keys, keys, then ARGV as take-tokens.lua describes it. */
export function takeArguments(wants: readonly Want[], keyOf: KeyOf): (string | number)[] {
  const args: (string | number)[] = [0];
  for (const want of wants) for (const rule of want.lane.rules) args.push(keyOf(want.client, rule.keySuffix));
  args[0] = args.length - 1;
  for (let start = 0; start < wants.length;) {
    const { lane, charges } = wants[start] as Want;
    let end = start + 1;
    while (end < wants.length && isAlike(wants[end] as Want, lane, charges !== undefined)) end++;
    args.push(lane.rules.length, lane.cost, end - start, charges === undefined ? 0 : 1);
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

const isAlike = (want: Want, lane: Lane, owes: boolean): boolean =>
  want.lane === lane && (want.charges !== undefined) === owes;

/** What a reply says of the wants it answers. */
export interface TakeReply {
  /** Wants whose part makes no sense: nothing is known of their tokens. Usually none. */
  readonly unusable: readonly Want[];
  /** Buckets that were damaged and start full. */
  readonly damagedBuckets: number;
}

const NONE: readonly Want[] = [];
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
    const granted = reply[at++] as number;
    let isUsable = isPossible(granted, want.units);
    want.granted = granted;
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
