import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { MAINTENANCE_SECONDS, maintenanceRecord } from '../../shared/maintenance/maintenance.ts';
import { parseJson } from '../../shared/parse-json.ts';
import type { LastingRecord } from './maintenance-hash.ts';

/** Milliseconds since the epoch by this machine's clock. */
const kept = z.array(z.object({ route: z.string(), until: z.number(), record: maintenanceRecord }));

/** What operators have said, as this node keeps it on its disk. */
export class MaintenanceFile {
  readonly #path: string;
  readonly #wallClock: () => number;
  #writing: Promise<unknown> = Promise.resolve();

  /** @param path its folder is made where it is missing */
  constructor(path: string, wallClock: () => number) {
    this.#path = path;
    this.#wallClock = wallClock;
  }

  /**
   * What still holds of it; a file that is damaged says nothing.
   * @throws Node's error when it is there and cannot be read
   */
  async read(): Promise<readonly LastingRecord[]> {
    const nowMs = this.#wallClock();
    return parseOrNone(await this.#text()).flatMap(({ route, until, record }) => {
      const remainingMs = Math.min(until - nowMs, MAINTENANCE_SECONDS.most * 1000);
      return remainingMs > 0 ? [{ route, record, remainingMs }] : [];
    });
  }

  /**
   * All there is, in place of what was there. Under a name of its own first: nobody ever reads half of it, and one
   * after the other.
   * @throws Node's error when the disk does not take it
   */
  async write(records: readonly LastingRecord[]): Promise<void> {
    const mine = this.#writing.then(() => this.#replace(records));
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  async #replace(records: readonly LastingRecord[]): Promise<void> {
    if (records.length === 0) return rm(this.#path, { force: true });
    const nowMs = this.#wallClock();
    const all = records.map(({ route, record, remainingMs }) => ({
      route,
      until: Math.ceil(nowMs + remainingMs),
      record,
    }));
    const draft = `${this.#path}.${process.pid}.new`;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(all)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }
}

const parseOrNone = (text: string): z.infer<typeof kept> => parseJson(kept, text) ?? [];
