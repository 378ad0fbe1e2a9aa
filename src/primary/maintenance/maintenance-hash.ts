import { MAINTENANCE_SECONDS, maintenanceRecord } from '../../shared/maintenance/maintenance.ts';
import type { MaintenanceRecord } from '../../shared/maintenance/maintenance.ts';
import { parseJson } from '../../shared/parse-json.ts';
import type { MaintenanceEvent } from '../../shared/redis/events.ts';
import { EVENTS_CHANNEL, MAINTENANCE_KEY } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import type { AskedRedis } from '../limits/asked-redis.ts';

const LONGEST_MS = MAINTENANCE_SECONDS.most * 1000;
const CHANGED: MaintenanceEvent = { type: 'maintenance' };

/** A record about a route, or about all, and how much longer it holds. */
export interface LastingRecord {
  readonly route: string;
  readonly record: MaintenanceRecord;
  readonly remainingMs: number;
}

/** What operators have said, in Redis. Both methods: all there is, `undefined` = Redis cannot be asked. */
export class MaintenanceHash {
  readonly #redis: AskedRedis;
  readonly #put = readScript(new URL('put-maintenance-1.lua', import.meta.url));
  readonly #read = readScript(new URL('read-maintenance-1.lua', import.meta.url));

  constructor(redis: AskedRedis) {
    this.#redis = redis;
  }

  async read(): Promise<readonly LastingRecord[] | undefined> {
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#read, { keys: [MAINTENANCE_KEY] }));
    return recordsOf(reply);
  }

  /**
   * Puts records where they are newer.
   * @param what.isNew they were said just now, and outrank whatever is there
   */
  async put(
    records: readonly LastingRecord[],
    { isNew }: { readonly isNew: boolean },
  ): Promise<readonly LastingRecord[] | undefined> {
    const each = records.flatMap(({ route, record: { rank, ...rest }, remainingMs }) => [
      route,
      isNew ? -rank : rank,
      Math.ceil(remainingMs),
      JSON.stringify(rest).slice(1),
    ]);
    const said = { keys: [MAINTENANCE_KEY], args: [EVENTS_CHANNEL, JSON.stringify(CHANGED), ...each] };
    return recordsOf(await this.#redis.ask((redis) => runScript(redis, this.#put, said)));
  }
}

function recordsOf(reply: unknown): readonly LastingRecord[] | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [nowMs, ...flat] = reply as unknown[];
  const records: LastingRecord[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const text = String(flat[i + 1]);
    const record = parseJson(maintenanceRecord, text);
    const until = Number(/"until":(\d+)/.exec(text)?.[1]);
    if (record === undefined || !(until > Number(nowMs))) continue; // ended, or written by hand and not as it should be
    records.push({ route: String(flat[i]), record, remainingMs: Math.min(until - Number(nowMs), LONGEST_MS) });
  }
  return records;
}
