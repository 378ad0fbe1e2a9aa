import type { KeyOf } from '../redis/keys.ts';
import { readScript } from '../redis/scripts.ts';
import type { Script } from '../redis/scripts.ts';
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
    const lane = (wants[start] as Want).lane;
    let end = start + 1;
    while (end < wants.length && wants[end]?.lane === lane) end++;
    args.push(lane.rules.length, lane.cost, end - start);
    for (const rule of lane.rules) args.push(rule.capacityText, rule.rateText);
    for (let i = start; i < end; i++) args.push((wants[i] as Want).units);
    start = end;
  }
  return args;
}

/**
 * Writes a reply into its wants.
 * @returns `false` when the reply is not what the script returns; the wants are then unusable
 */
export function readTakeReply(reply: unknown, wants: readonly Want[]): boolean {
  if (!Array.isArray(reply)) return false;
  let at = 0;
  for (const want of wants) {
    want.granted = reply[at++] as number;
    for (let rule = 0; rule < want.lane.rules.length; rule++) want.left[rule] = (reply[at++] as number) / 1_000_000;
  }
  return at === reply.length && typeof reply[at - 1] === 'number';
}
