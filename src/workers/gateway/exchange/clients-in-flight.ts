import type { ClientCounts } from '../../../shared/overload/client-counts.ts';
import type { FairClients } from '../upstream/fair-line.ts';

/** What one client may have under way: `fair`, `off`, or so many exchanges, on all threads. */
type PerClient = 'fair' | 'off' | number;

interface Settings {
  readonly maxInFlight: number;
  readonly maxInFlightPerClient: PerClient;
}

/** An exchange in the list of those under way. */
interface Listed {
  readonly previous: Listed | undefined;
  readonly address: string;
  readonly limitClient: string;
}

/** The exchanges of a thread. */
interface Exchanges {
  readonly inFlight: number;
  readonly newest: Listed | undefined;
  readonly deadlines: { readonly nowMs: number };
  readonly clients: FairClients;
}

/** An exchange as it is counted for its client. */
interface CountedForClient extends Listed {
  /** '' = it is not. */
  countedAs: string;
}

/**
 * How many exchanges each client has under way. With a fixed number each is counted, on all threads of the node; else nobody is, until the thread is
 * seven eighths full of exchanges: then those of a client that has a quarter of the places are refused, and the last
 * eighth is for everybody else. That is counted anew every tick at most.
 */
export class ClientsInFlight {
  /** With more exchanges under way than this each new one is to be looked at. */
  mark = Number.POSITIVE_INFINITY;
  readonly #thread: Exchanges;
  /** Of one client; 0 = no fixed number. */
  #most = 0;
  #full = Number.POSITIVE_INFINITY;
  #quarter = Number.POSITIVE_INFINITY;
  readonly #ofNode: ClientCounts;
  readonly #counted = new Map<string, number>();
  #countedMs = -1;

  constructor(thread: Exchanges, ofNode: ClientCounts, settings: Settings) {
    this.#thread = thread;
    this.#ofNode = ofNode;
    this.configure(settings);
  }

  configure({ maxInFlight, maxInFlightPerClient }: Settings): void {
    this.#most = typeof maxInFlightPerClient === 'number' ? maxInFlightPerClient : 0;
    this.#full = maxInFlightPerClient === 'off' ? Number.POSITIVE_INFINITY : maxInFlight - Math.floor(maxInFlight / 8);
    this.#quarter = Math.max(1, Math.floor(maxInFlight / 4));
    this.mark = this.#most > 0 ? 0 : this.#full;
  }

  /**
   * Whether one more of its client may go on; it is counted then, where each is.
   * @param profileMost exchanges that its profile lets it have; 0 = no limit
   */
  admit(exchange: CountedForClient, profileMost = 0): boolean {
    const { clients, inFlight } = this.#thread;
    const { address, limitClient } = exchange;
    if (clients.isExempt(address, limitClient)) return true;
    const name = clients.nameOf(address, limitClient);
    if (inFlight > this.#full && this.#estimate(name) > this.#quarter) return false;
    const most = this.#most > 0 && profileMost > 0 ? Math.min(this.#most, profileMost) : this.#most + profileMost;
    if (most === 0) return true;
    if (!this.#ofNode.enter(name, most)) return false;
    exchange.countedAs = name;
    return true;
  }

  /** The exchange is over. */
  leave(exchange: CountedForClient): void {
    this.#ofNode.leave(exchange.countedAs);
    exchange.countedAs = '';
  }

  /** How many the client has, this one included. */
  #estimate(name: string): number {
    const { clients, deadlines, newest } = this.#thread;
    if (this.#countedMs === deadlines.nowMs) {
      const count = (this.#counted.get(name) ?? 0) + 1;
      this.#counted.set(name, count);
      return count;
    }
    this.#countedMs = deadlines.nowMs;
    this.#counted.clear();
    for (let each: Listed | undefined = newest; each !== undefined; each = each.previous) {
      const of = clients.nameOf(each.address, each.limitClient);
      this.#counted.set(of, (this.#counted.get(of) ?? 0) + 1);
    }
    return this.#counted.get(name) ?? 0;
  }
}
