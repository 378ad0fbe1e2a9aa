import { join } from 'node:path';
import { monotonicMs, wallClockMs } from '../../../shared/clock.ts';
import type { FromKeyThread, ToKeyThread } from '../../../shared/identity/key-messages.ts';
import type { Log } from '../../../shared/log.ts';
import type { ApiKeysEvent } from '../../../shared/redis/events.ts';
import type { EventLog } from '../../events/event-log.ts';
import { AskedRedis } from '../../limits/asked-redis.ts';
import type { RedisClient } from '../../limits/asked-redis.ts';
import type { DegradedReasons } from '../../traffic/degraded-reasons.ts';
import { KeyBook } from './key-book.ts';
import type { KeysState } from './key-book.ts';
import { KeyFile } from './key-file.ts';
import { KeyHash } from './key-hash.ts';

const FILE_NAME = 'api-keys';

const REASONS: Record<KeysState, readonly string[]> = {
  well: [],
  lost: ['API keys: Redis has lost them; those known here go on and are put back, others get 503'],
  away: ['API keys: Redis cannot be asked; known keys go on for an hour, others get 503'],
};

/** This node's copy; where there is no folder to keep one in, a cluster goes on without, and it is said. */
export async function openCopy(stateDir: string | undefined, log: Log): Promise<KeyFile | undefined> {
  if (stateDir === undefined) return undefined;
  try {
    return await KeyFile.open(join(stateDir, FILE_NAME));
  } catch (error) {
    log.error({ err: error, folder: stateDir }, 'API keys: this node keeps no copy, STATE_DIR cannot be used');
    return undefined;
  }
}

export interface KeyControlOptions {
  /** Keys are stored outside the configuration. */
  readonly isOn: boolean;
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  /** openCopy(…); closed here. */
  readonly copy: KeyFile | undefined;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  readonly degraded: Pick<DegradedReasons, 'set'>;
  readonly broadcast: (message: ToKeyThread) => void;
  readonly send: (slot: number, message: ToKeyThread) => void;
}

/** The front's part of API keys that are stored outside the configuration. */
export class KeyControl {
  /** `undefined`: only the configuration has keys. */
  readonly book: KeyBook | undefined;
  readonly #send: KeyControlOptions['send'];

  constructor(options: KeyControlOptions) {
    this.#send = options.send;
    if (!options.isOn) return;
    const book = bookOf(options);
    this.book = book;
    options.redis?.on('ready', () => void book.refresh());
    void book.refresh();
  }

  /** From a thread. */
  receive(slot: number, { type, hash }: FromKeyThread): void {
    if (type === 'look-for-key') {
      const isThere = this.book?.isThere(hash) ?? false;
      return this.#send(slot, { type: 'key-looked-for', hash, isThere });
    }
    const found = this.book?.find(hash) ?? Promise.resolve('unknown' as const);
    void found.then((answer) => this.#send(slot, { type: 'key-found', hash, answer }));
  }

  onEvent(event: ApiKeysEvent): void {
    void this.book?.onEvent(event);
  }

  async close(): Promise<void> {
    await this.book?.close();
  }
}

function bookOf({ redis, copy, log, events, degraded, broadcast }: KeyControlOptions): KeyBook {
  return new KeyBook({
    hash: redis === undefined ? undefined : new KeyHash(new AskedRedis(redis)),
    file: copy,
    clock: monotonicMs,
    wallClock: wallClockMs,
    forget: (hashes) => broadcast({ type: 'forget-keys', hashes }),
    onState: (state) => {
      const [reason] = REASONS[state];
      const text = reason ?? 'API keys: Redis has all of them';
      log[state === 'well' ? 'info' : 'error'](text);
      events.add('keys', text, { state });
      degraded.set('keys', REASONS[state]);
    },
  });
}
