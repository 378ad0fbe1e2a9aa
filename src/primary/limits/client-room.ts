import type { Log } from '../../shared/log.ts';
import type { RoomLess } from '../../shared/limits/messages.ts';
import type { EventLog } from '../events/event-log.ts';
import type { RedisClient } from './asked-redis.ts';
import { BucketCount } from './count-buckets.ts';

/** Why new clients share a bucket by address: too many in Redis, no memory left in Redis, or in this process. */
export type RoomProblem = 'clients' | RoomLess;

export interface ClientRoomOptions {
  /** It has a time limit of its own for answers. What operators ask does not wait for this. */
  readonly redis: RedisClient | undefined;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** RATE_LIMIT_MAX_CLIENTS. */
  readonly maxClients: () => number;
  /** Buckets that a client has at least. */
  readonly bucketsOfClient: () => number;
  /** Whether Redis holds that many; told at each change. */
  readonly tell: (isFull: boolean) => void;
  /** A problem has come or gone. */
  readonly onChange: (problem: RoomProblem, isNow: boolean) => void;
}

const LOOK_EVERY_MS = 4_000;
/** Full until there are so many fewer. */
const ROOM_AGAIN = 0.9;
/** Threads say every ten seconds that they have no room, while it is so. */
const FORGET_AFTER_MS = 30_000;

/** Knows whether there is room for new clients, in Redis and in this process. */
export class ClientRoom {
  readonly #options: ClientRoomOptions;
  readonly #count = new BucketCount();
  readonly #timer: NodeJS.Timeout;
  /** When a thread last said so. */
  readonly #heardMs = new Map<RoomLess, number>();
  #isFull = false;
  #looking = false;

  constructor(options: ClientRoomOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** Redis holds as many clients as it should. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get problems(): readonly RoomProblem[] {
    return [...(this.#isFull ? (['clients'] as const) : []), ...this.#heardMs.keys()];
  }

  /** A thread says that there is no room. */
  receive(where: RoomLess): void {
    const isNews = !this.#heardMs.has(where);
    this.#heardMs.set(where, this.#options.clock());
    if (isNews) this.#options.onChange(where, true);
  }

  /** What cannot be known stays as it was. Never rejects. */
  async look(): Promise<void> {
    this.#forget();
    const { redis, maxClients, bucketsOfClient } = this.#options;
    if (this.#looking || redis?.status !== 'ready') return;
    this.#looking = true;
    try {
      const most = maxClients() * bucketsOfClient() * (this.#isFull ? ROOM_AGAIN : 1);
      this.#set((await this.#count.of(redis, most)) >= most);
    } catch {
      // It does not say, or is away; others tell of that.
    } finally {
      this.#looking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #forget(): void {
    const nowMs = this.#options.clock();
    for (const [where, heardMs] of this.#heardMs) {
      if (nowMs - heardMs < FORGET_AFTER_MS) continue;
      this.#heardMs.delete(where);
      this.#options.onChange(where, false);
    }
  }

  #set(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#options.tell(isFull);
    this.#options.onChange('clients', isFull);
  }
}

const BEGINS: Readonly<Record<RoomProblem, string>> = {
  clients: 'as many clients as RATE_LIMIT_MAX_CLIENTS have buckets in Redis; new ones share one for each address',
  redis: 'Redis has no memory left (maxmemory); clients without a bucket share one for each address',
  process: 'this process has no room for more buckets; new clients share one for each address',
};

/** What `/health` and status say. */
export const roomReason = (problem: RoomProblem): string => `rate limits: ${BEGINS[problem]}`;

/** Says a change, once. */
export function reportRoom(
  to: { readonly log: Log; readonly events?: Pick<EventLog, 'add'> },
  problem: RoomProblem,
  isNow: boolean,
): void {
  const text = isNow ? roomReason(problem) : 'rate limits: there is room for new clients again';
  to.log[isNow ? 'warn' : 'info']({ noRoomIn: problem }, text);
  to.events?.add('limits-store', text, { noRoomIn: problem, isNow });
}
