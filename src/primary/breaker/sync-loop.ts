import type { SyncReply, SyncRequest } from '../../shared/breaker/sync.ts';
import type { BreakerAuthority } from './authority.ts';
import { takeBatch, toSyncUpstream } from './batch.ts';
import type { BatchItem } from './batch.ts';
import type { BreakerCell } from './cell.ts';
import type { Authority } from './outbox.ts';
import type { ProcessAuthority } from './process-authority.ts';
import type { Standings } from './standings.ts';
import type { BreakerNotice } from './view.ts';

export interface SyncLoopOptions {
  readonly cells: ReadonlyMap<string, BreakerCell>;
  readonly standings: Standings;
  readonly node: string;
  readonly authority: BreakerAuthority | undefined;
  readonly process: ProcessAuthority;
  readonly liveNodes: () => number;
  readonly clock: () => number;
  readonly random: () => number;
  readonly notify: (notice: BreakerNotice) => void;
}

/** A node that starts is given so long to reach Redis before it says that it does not. */
const START_MS = 2_000;
/** So many different reasons are said of one outage: a Redis that comes back with another password is told of, too. */
const MOST_REASONS = 8;

/**
 * Carries what happened to whoever decides, and the answer back: to the machine in this process at once, to Redis in one
 * exchange at a time (what comes up meanwhile joins the next). What an answer, or none, entails is `Standings`' business.
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions;
  /** No answer from Redis since the last failure, or since the start. */
  down = true;
  busy = false;
  /** What was last said of Redis. */
  #announced: 'nothing' | Authority = 'nothing';
  /** Why it cannot be asked, as far as that was said since it was last asked. */
  readonly #reasonsSaid = new Set<string>();
  readonly #startedMs: number;
  #again = false;
  #closed = false;

  constructor(options: SyncLoopOptions) {
    this.#options = options;
    this.#startedMs = options.clock();
  }

  pump(): void {
    if (this.#closed) return;
    this.#drainHere();
    this.#again = true;
    if (!this.busy && this.#options.authority !== undefined) void this.#syncCluster(this.#options.authority);
  }

  close(): void {
    this.#closed = true;
  }

  #request(items: readonly BatchItem[]): SyncRequest {
    const { node, liveNodes, random } = this.#options;
    return { node, liveNodes: liveNodes(), upstreams: items.map((item) => toSyncUpstream(item, random())) };
  }

  /** An answer may leave something to say at once (a permit nobody waits for goes back), but never for ever. */
  #drainHere(): void {
    this.#syncHere();
    for (const cell of this.#options.cells.values()) if (cell.outbox.has('node')) return this.#syncHere();
  }

  #syncHere(): void {
    const { cells, process, standings, clock } = this.#options;
    const items = takeBatch(cells.values(), 'node', clock());
    if (items.length === 0) return;
    const reply = process.sync(this.#request(items));
    for (const [i, item] of items.entries()) {
      const snapshot = reply[i];
      if (snapshot !== undefined) standings.heardHere(item, snapshot);
    }
  }

  async #syncCluster(authority: BreakerAuthority): Promise<void> {
    this.busy = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        if (!authority.reachable()) {
          this.#lose(authority.whyNot(), []);
          return;
        }
        const items = takeBatch(this.#options.cells.values(), 'cluster', this.#options.clock());
        if (items.length > 0 && !(await this.#exchange(authority, items))) return;
      }
    } finally {
      this.busy = false;
    }
  }

  async #exchange(authority: BreakerAuthority, items: readonly BatchItem[]): Promise<boolean> {
    let reply: SyncReply;
    try {
      reply = await authority.sync(this.#request(items));
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (!this.#closed) this.#lose(authority.reachable() ? said : authority.whyNot(), items);
      return false;
    }
    if (this.#closed) return false;
    this.#drainHere(); // what threads did since must be known before the truth is taken over
    this.down = false;
    this.#announce('cluster', 'connected');
    for (const [i, item] of items.entries()) {
      const snapshot = reply[i];
      const { name, outbox } = item.cell;
      outbox.confirm(item.ops);
      const known = this.#options.cells.get(name) === item.cell;
      if (snapshot !== undefined && known) this.#options.standings.heard(item, snapshot);
      outbox.taken(item.ops, 'cluster');
      if (outbox.has('cluster')) this.#again = true;
    }
    return true;
  }

  /** Redis does not answer. */
  #lose(reason: string, items: readonly BatchItem[]): void {
    const { cells, standings, clock } = this.#options;
    const unheard = new Map(items.map((item) => [item.cell, item.ops]));
    for (const cell of cells.values()) standings.lost(cell, unheard.get(cell) ?? []);
    this.down = true;
    if (this.#announced !== 'nothing' || clock() - this.#startedMs >= START_MS) this.#announce('node', reason);
    this.#drainHere();
  }

  #announce(scope: Authority, reason: string): void {
    if (scope === 'cluster') {
      if (this.#announced === scope) return;
      this.#reasonsSaid.clear();
    } else if (this.#reasonsSaid.has(reason) || this.#reasonsSaid.size >= MOST_REASONS) {
      return;
    } else {
      this.#reasonsSaid.add(reason);
    }
    this.#announced = scope;
    this.#options.notify({ type: 'scope', scope, reason });
  }
}
