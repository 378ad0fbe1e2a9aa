import { z } from 'zod';
import { PROBE_CAUSES } from '../../shared/health/messages.ts';
import { parseJson } from '../../shared/parse-json.ts';
import type { HealthEvent } from '../../shared/redis/events.ts';
import { EVENTS_CHANNEL, HEALTH_KEY } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import type { AskedRedis } from '../limits/asked-redis.ts';
import type { TargetVerdict } from './verdict.ts';

const SWEEP_FIELD = '#sweep';
/** What nobody has probed for so long belongs to no configuration any more. */
const FORGET_MS = 3_600_000;
/** Characters; more was not written by us. */
const LONGEST_VALUE = 2_048;

const time = z.iso.datetime().transform((text) => Date.parse(text));

/** A person reads this with HGETALL; nodes of other versions read it too. */
const storedTarget = z
  .object({
    state: z.enum(['up', 'down']),
    verdict: z.enum(['up', 'wrong', 'silent']),
    cause: z.enum(PROBE_CAUSES),
    why: z.string().catch(''),
    in_a_row: z.int().min(1),
    since: time,
    checked: time,
    by: z.string().catch(''),
  })
  .refine(({ state, verdict }) => (state === 'up') === (verdict === 'up'));

const storedSweep = z.object({ slot: time, by: z.string().catch('') });

/** A verdict of the cluster. */
export interface SharedVerdict extends TargetVerdict {
  /** Node that probed. */
  readonly by: string;
}

/** What Redis has. All times are those of its clock, in ms since the epoch. */
export interface HealthSnapshot {
  readonly nowMs: number;
  /** Slot of the last sweep; 0 = there was none. */
  readonly slotMs: number;
  /** Its field, as it stands there. */
  readonly sweep: string;
  /** By `targetKey`. */
  readonly targets: ReadonlyMap<string, SharedVerdict>;
}

export interface SweptTargets {
  readonly slotMs: number;
  readonly by: string;
  /** Who writes, for the event: unique among processes. */
  readonly from: string;
  /** By `targetKey`. */
  readonly targets: ReadonlyMap<string, TargetVerdict>;
}

/** What probes have found, as all nodes share it. */
export class HealthHash {
  readonly #redis: AskedRedis;
  readonly #read = readScript(new URL('read-health-1.lua', import.meta.url));
  readonly #write = readScript(new URL('write-health-1.lua', import.meta.url));

  constructor(redis: AskedRedis) {
    this.#redis = redis;
  }

  /** @returns undefined: Redis cannot be asked */
  async read(): Promise<HealthSnapshot | undefined> {
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#read, { keys: [HEALTH_KEY] }));
    return Array.isArray(reply) ? snapshotOf(reply) : undefined;
  }

  /**
   * @param before what the verdicts were made from
   * @returns `overtaken`: somebody has written since, and nothing was done; undefined: Redis did not answer
   */
  async write(before: HealthSnapshot, swept: SweptTargets): Promise<'written' | 'overtaken' | undefined> {
    const { slotMs, by, from } = swept;
    const event: HealthEvent = { type: 'health', from };
    const sweep = JSON.stringify({ slot: iso(slotMs), by, written: iso(before.nowMs) });
    const fields = [...swept.targets].flatMap(([key, verdict]) => [key, textOf(verdict, by)]);
    const forgotten = [...before.targets].flatMap(([key, { checkedMs }]) =>
      before.nowMs - checkedMs > FORGET_MS && !swept.targets.has(key) ? [key, ''] : [],
    );
    const args = [EVENTS_CHANNEL, before.sweep, sweep, JSON.stringify(event), ...fields, ...forgotten];
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#write, { keys: [HEALTH_KEY], args }));
    if (reply === undefined) return undefined;
    return reply === 1 ? 'written' : 'overtaken';
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

const textOf = ({ verdict, cause, why, inARow, sinceMs, checkedMs }: TargetVerdict, by: string): string =>
  JSON.stringify({
    state: verdict === 'up' ? 'up' : 'down',
    verdict,
    cause,
    why,
    in_a_row: inARow,
    since: iso(sinceMs),
    checked: iso(checkedMs),
    by,
  });

function snapshotOf(reply: readonly unknown[]): HealthSnapshot {
  const [now, ...flat] = reply;
  const nowMs = Number(now);
  const targets = new Map<string, SharedVerdict>();
  let sweep = '';
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [field, text] = [String(flat[i]), String(flat[i + 1])];
    if (field === SWEEP_FIELD) sweep = text;
    const found = text.length > LONGEST_VALUE ? undefined : parseJson(storedTarget, text);
    if (found === undefined) continue; // or written by hand, and not as it should be
    const { verdict, cause, why, in_a_row: inARow, since, by } = found;
    // The clock may have been set back since.
    const checkedMs = Math.min(found.checked, nowMs);
    targets.set(field, { verdict, cause, why, inARow, sinceMs: Math.min(since, checkedMs), checkedMs, by });
  }
  // A slot far in the future would stop all sweeps.
  const slot = parseJson(storedSweep, sweep)?.slot ?? 0;
  return { nowMs, slotMs: slot > nowMs + FORGET_MS ? 0 : slot, sweep, targets };
}
