import { promises as dns } from 'node:dns';
import { monotonicMs } from '../../shared/clock.ts';
import { codeOf, inOrder } from './look-up.ts';
import type { LookUp } from './look-up.ts';

/** A look-up that took longer is not made again for that name in a while: it would keep the others out. */
const SLOW_MS = 2_000;
const SLOW_FOR_MS = 60_000;
const MOST_SLOW = 1_024;

type Ask = (name: string) => Promise<readonly string[]>;

const askSystem: Ask = async (name) => (await dns.lookup(name, { all: true })).map(({ address }) => address);

interface Waiting {
  readonly name: string;
  readonly untilMs: number;
  readonly done: (result: LookUp) => void;
}

/**
 * The system's own way (getaddrinfo), for names that only its other sources know: mDNS, LDAP, the container's host. It
 * blocks a thread of libuv's pool, for as long as a silent DNS server likes; that pool also reads files, so one thread
 * of it is all that names get.
 */
export class SystemLookUp {
  readonly #ask: Ask;
  readonly #nowMs: () => number;
  readonly #slowUntil = new Map<string, number>();
  readonly #waiting: Waiting[] = [];
  #busy = false;

  constructor(ask: Ask = askSystem, nowMs: () => number = monotonicMs) {
    this.#ask = ask;
    this.#nowMs = nowMs;
  }

  /** Never rejects. @param withinMs for its turn to come; one that is under way is not given up */
  find(name: string, withinMs: number): Promise<LookUp> {
    const nowMs = this.#nowMs();
    if ((this.#slowUntil.get(name) ?? 0) > nowMs) return Promise.resolve({ kind: 'failed', code: 'ETIMEOUT' });
    return new Promise((done) => {
      this.#waiting.push({ name, untilMs: nowMs + withinMs, done });
      this.#next();
    });
  }

  #next(): void {
    if (this.#busy) return;
    const nowMs = this.#nowMs();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.untilMs > nowMs) {
        this.#busy = true;
        void this.#run(next, nowMs);
        return;
      }
      next.done({ kind: 'failed', code: 'ETIMEOUT' });
    }
  }

  async #run({ name, done }: Waiting, startedMs: number): Promise<void> {
    let result: LookUp;
    try {
      const addresses = await this.#ask(name);
      result = { kind: 'found', addresses: inOrder(addresses), ttlMs: undefined };
      if (addresses.length === 0) result = { kind: 'none', code: 'ENODATA' };
    } catch (error) {
      const code = codeOf(error);
      result = { kind: code === 'ENOTFOUND' ? 'none' : 'failed', code };
    }
    const nowMs = this.#nowMs();
    if (nowMs - startedMs < SLOW_MS) this.#slowUntil.delete(name);
    else this.#markSlow(name, nowMs + SLOW_FOR_MS);
    this.#busy = false;
    done(result);
    this.#next();
  }

  #markSlow(name: string, untilMs: number): void {
    if (this.#slowUntil.size >= MOST_SLOW) this.#slowUntil.clear();
    this.#slowUntil.set(name, untilMs);
  }
}
