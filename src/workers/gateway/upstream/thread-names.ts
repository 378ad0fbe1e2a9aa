import type { LookupAddress } from 'node:dns';
import { isIPv4 } from 'node:net';
import type { LookupFunction } from 'node:net';
import { UNRESOLVED } from '../../../shared/net/failure-text.ts';
import type { FromUpstreamThread, ToUpstreamThread } from '../../../shared/upstreams/messages.ts';

/** The front answers within its own time-out; when it stands still, what was known before has to do. */
const FRONT_WITHIN_MS = 2_000;

type Waiter = (failure: string | undefined) => void;

interface Name {
  addresses: readonly LookupAddress[];
  freshUntilMs: number;
  /** Connections opened so far: each starts with the next address. */
  turn: number;
  /** `undefined` = the front is not being asked. */
  waiting: Waiter[] | undefined;
  late: NodeJS.Timeout | undefined;
}

export interface ThreadNamesParts {
  readonly post: (message: FromUpstreamThread) => void;
  /** Milliseconds that only go forward. */
  readonly nowMs: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/**
 * Addresses of targets' names, as the front has found them; it is asked when a connection is opened and what is known
 * here is no longer fresh.
 */
export class ThreadNames {
  readonly #parts: ThreadNamesParts;
  readonly #names = new Map<string, Name>();

  constructor(parts: ThreadNamesParts) {
    this.#parts = parts;
  }

  /** For node:net's `lookup`: all addresses, each time with the next one first. */
  readonly lookup: LookupFunction = (host, options, callback): void => {
    const name = this.#nameOf(host);
    this.#refresh(host, name, (failure) => {
      if (failure !== undefined) {
        callback(Object.assign(new Error(`${host} has no address (${failure})`), { code: UNRESOLVED }), []);
        return;
      }
      const addresses = rotated(name.addresses, name.turn++);
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    });
  };

  receive(message: ToUpstreamThread): void {
    const name = this.#names.get(message.name);
    if (name === undefined) return;
    if (message.type === 'resolved') {
      name.addresses = message.addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
      name.freshUntilMs = this.#parts.nowMs() + message.freshMs;
      this.#settle(name, undefined);
    } else {
      name.addresses = [];
      this.#settle(name, message.code);
    }
  }

  /** Waits for nothing more. */
  close(): void {
    for (const { late } of this.#names.values()) clearTimeout(late);
  }

  #nameOf(host: string): Name {
    let name = this.#names.get(host);
    if (name === undefined) {
      const turn = Math.floor(this.#parts.random() * 256); // threads start with different addresses
      name = { addresses: [], freshUntilMs: 0, turn, waiting: undefined, late: undefined };
      this.#names.set(host, name);
    }
    return name;
  }

  #refresh(host: string, name: Name, waiter: Waiter): void {
    if (name.freshUntilMs > this.#parts.nowMs()) return waiter(undefined);
    if (name.waiting !== undefined) {
      name.waiting.push(waiter);
      return;
    }
    name.waiting = [waiter];
    name.late = setTimeout(() => {
      if (name.addresses.length > 0) this.#settle(name, undefined);
    }, FRONT_WITHIN_MS);
    this.#parts.post({ type: 'resolve', name: host });
  }

  #settle(name: Name, failure: string | undefined): void {
    const { waiting } = name;
    name.waiting = undefined;
    clearTimeout(name.late);
    for (const waiter of waiting ?? []) waiter(failure);
  }
}

/** The next one first, but of the family that came first: the other is for machines that do not reach this one. */
function rotated(addresses: readonly LookupAddress[], turn: number): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return [...turned(first, turn), ...turned(others, turn)];
}

function turned<T>(list: readonly T[], turn: number): readonly T[] {
  if (list.length < 2) return list;
  const at = turn % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
