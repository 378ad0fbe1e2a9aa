import type { Config } from '../../../shared/config/types.ts';
import type {
  ConcurrencyMemory,
  ConcurrencyRows,
  ConcurrencyStart,
} from '../../../shared/overload/concurrency-memory.ts';
import type { FairClients } from '../upstream/fair-line.ts';
import { Places } from './places.ts';
import { UpstreamRoom } from './upstream-room.ts';

/** More than there can be. */
const NO_LIMIT = 1_000_000_000;

export interface ThreadRoomsOptions {
  readonly config: Config;
  readonly concurrency: ConcurrencyStart;
  readonly slot: number;
  readonly clients: FairClients;
}

/** This thread's part of limits of requests under way at an upstream. They outlive the upstream's connections at a reload. */
export class ThreadRooms {
  readonly #memory: ConcurrencyMemory;
  readonly #slot: number;
  readonly #clients: FairClients;
  readonly #rooms = new Map<string, { readonly room: UpstreamRoom; readonly row: number }>();

  constructor({ config, concurrency, slot, clients }: ThreadRoomsOptions) {
    this.#memory = concurrency.memory;
    this.#slot = slot;
    this.#clients = clients;
    this.apply(config, concurrency.rows);
  }

  apply({ server, upstreams }: Config, rows: ConcurrencyRows): void {
    const threads = Math.max(1, server.workers);
    const left = new Map(this.#rooms);
    for (const { name, concurrency: most, queue } of upstreams) {
      const row = most > 0 ? rows.get(name) : undefined;
      if (row === undefined) continue;
      const known = this.#rooms.get(name);
      if (known?.row === row) {
        known.room.configure({ most, threads, queue });
        left.delete(name);
        continue;
      }
      const places = new Places({ memory: this.#memory, row, slot: this.#slot });
      this.#rooms.set(name, { room: new UpstreamRoom(places, this.#clients, { most, threads, queue }), row });
    }
    for (const [name, { room, row }] of left) {
      if (this.#rooms.get(name)?.row === row) this.#rooms.delete(name);
      room.configure({ most: NO_LIMIT, threads, queue: 0 }); // who waits goes on
    }
  }

  /** @returns undefined: the upstream has no limit */
  of(upstream: string): UpstreamRoom | undefined {
    return this.#rooms.get(upstream)?.room;
  }

  /** Every tick. */
  tick(nowMs: number): void {
    for (const { room } of this.#rooms.values()) room.tick(nowMs);
  }
}
