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

export interface KeyControlOptions {
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  readonly stateDir: string | undefined;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  readonly degraded: Pick<DegradedReasons, 'set'>;
  readonly broadcast: (message: ToKeyThread) => void;
  readonly send: (slot: number, message: ToKeyThread) => void;
}

/** The front's part of API keys that are kept outside the configuration. */
export class KeyControl {
  readonly book: KeyBook;
  readonly #options: KeyControlOptions;

  private constructor(options: KeyControlOptions, file: KeyFile | undefined) {
    const { redis, log, events, degraded, broadcast } = options;
    this.#options = options;
    this.book = new KeyBook({
      hash: redis === undefined ? undefined : new KeyHash(new AskedRedis(redis)),
      file,
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
    redis?.on('ready', () => void this.book.refresh());
    void this.book.refresh();
  }

  /** Where there is no folder to keep a copy in, a cluster goes on without one, and says so. */
  static async start(options: KeyControlOptions): Promise<KeyControl> {
    const { stateDir, log } = options;
    if (stateDir === undefined) return new KeyControl(options, undefined);
    try {
      return new KeyControl(options, await KeyFile.open(join(stateDir, FILE_NAME)));
    } catch (error) {
      log.error(
        { err: error, folder: stateDir },
        'API keys: this node keeps no copy of them, STATE_DIR cannot be used',
      );
      return new KeyControl(options, undefined);
    }
  }

  receive(slot: number, message: FromKeyThread): void {
    const { hash } = message;
    void this.book.find(hash).then((answer) => this.#options.send(slot, { type: 'key-found', hash, answer }));
  }

  onEvent(event: ApiKeysEvent): void {
    void this.book.onEvent(event);
  }

  async close(): Promise<void> {
    await this.book.close();
  }
}
