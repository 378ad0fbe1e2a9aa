import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { wallClockMs } from '../../shared/clock.ts';
import type { ServerConfig } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type {
  FromMaintenanceThread,
  ThreadMaintenance,
  ToMaintenanceThread,
} from '../../shared/maintenance/maintenance.ts';
import type { EventLog } from '../events/event-log.ts';
import { AskedRedis } from '../limits/asked-redis.ts';
import type { RedisClient } from '../limits/asked-redis.ts';
import { Acknowledged } from '../threads/acknowledged.ts';
import { MaintenanceBook, routeWords } from './maintenance-book.ts';
import type { HeldMaintenance } from './maintenance-book.ts';
import { MaintenanceFile } from './maintenance-file.ts';
import { MaintenanceHash } from './maintenance-hash.ts';
import type { LastingRecord } from './maintenance-hash.ts';

/** This node's copy, and what it says at the start. */
export interface MaintenanceCopy {
  readonly file: MaintenanceFile | undefined;
  readonly kept: readonly LastingRecord[];
}

/**
 * By its port: two gateways of one user may share a folder. Where the port is any free one no later start would look for it.
 */
export async function openMaintenance(
  { stateDir, port }: Pick<ServerConfig, 'stateDir' | 'port'>,
  log: Log,
): Promise<MaintenanceCopy> {
  if (stateDir === undefined || port === 0) return { file: undefined, kept: [] };
  const file = new MaintenanceFile(join(stateDir, `maintenance-${port}`), wallClockMs);
  try {
    return { file, kept: await file.read() };
  } catch (error) {
    log.error({ err: error, folder: stateDir }, 'maintenance: what was kept in STATE_DIR cannot be read');
    return { file, kept: [] };
  }
}

export interface MaintenanceControlOptions {
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  readonly copy: MaintenanceCopy;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  /** @returns how many threads were told */
  readonly broadcast: (message: ToMaintenanceThread) => number;
}

/** The front's part of maintenance. */
export class MaintenanceControl {
  readonly book: MaintenanceBook;
  readonly #orders = new Acknowledged();
  readonly #asked: Promise<unknown>;

  constructor({ redis, copy, log, events, broadcast }: MaintenanceControlOptions) {
    this.book = new MaintenanceBook({
      hash: redis === undefined ? undefined : new MaintenanceHash(new AskedRedis(redis)),
      ...copy,
      clock: createProcessClock(),
      apply: (entries) => this.#orders.order((id) => broadcast({ type: 'maintenance', entries, id })),
      onChange: (held, before) => {
        const text = changeText(held, before);
        const { route, record, remainingMs } = held;
        const details = { route, remainingSeconds: Math.ceil(remainingMs / 1000), allow: record.allow, by: record.by };
        log.warn(details, text);
        events.add('maintenance', text, details);
      },
      onFileError: (error) =>
        log.error({ err: error }, 'maintenance: STATE_DIR does not take it, so a restart may end it'),
    });
    this.#asked = new Promise((resolve) => {
      if (redis === undefined) return resolve(undefined);
      redis.on('ready', () => resolve(this.book.refresh()));
    });
  }

  /** Resolves when Redis has been asked what holds, or after so long: who starts should not serve what is closed. */
  async asked(withinMs: number): Promise<void> {
    await Promise.race([this.#asked, wait(withinMs, undefined, { ref: false })]);
  }

  /** For a new thread. */
  forThread(): readonly ThreadMaintenance[] {
    return this.book.forThreads();
  }

  /** From a thread. */
  receive({ id }: FromMaintenanceThread): void {
    this.#orders.done(id);
  }

  /** The connection is closed by whoever made it. */
  close(): Promise<void> {
    return this.book.close();
  }
}

function changeText({ route, record, remainingMs }: HeldMaintenance, before: HeldMaintenance | undefined): string {
  const of = `maintenance of ${routeWords(route)}`;
  if (remainingMs === 0) return record.on ? `${of} has ended` : `${of} is ended, says ${record.by}`;
  const seconds = Math.ceil(remainingMs / 1000);
  return `${of} ${before === undefined ? 'holds' : 'is another now and holds'} for ${seconds} s, says ${record.by}`;
}
