import { randomBytes } from 'node:crypto';
import { TICKET_KEY_BYTES } from '../../shared/tls/material.ts';

/**
 * How long random keys seal session tickets. What TLS 1.2 clients send can be read by whoever gets hold of the key of
 * their ticket, so none is kept for the life of the process. Tickets live an hour, so the key before is all that is needed.
 */
export const TICKET_KEY_LIFE_MS = 12 * 3600 * 1000;

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * The keys of session tickets, for all threads of the process: those of a file, or random ones. When another key takes
 * over, the one before still opens its tickets, until the next change.
 */
export class TicketKeyRing {
  #fromFile: readonly Uint8Array[] | undefined;
  #current: readonly Uint8Array[];

  /** @param fromFile at least one, or `undefined` for random ones */
  constructor(fromFile: readonly Uint8Array[] | undefined) {
    this.#fromFile = fromFile;
    this.#current = fromFile ?? [randomBytes(TICKET_KEY_BYTES)];
  }

  /** The first seals, all open. */
  get current(): readonly Uint8Array[] {
    return this.#current;
  }

  /** Takes what a reload read; nothing changes where that is the same. */
  take(fromFile: readonly Uint8Array[] | undefined): void {
    const old = this.#fromFile;
    const unchanged =
      old === undefined || fromFile === undefined
        ? old === fromFile
        : old.length === fromFile.length && old.every((key, i) => same(key, fromFile[i] as Uint8Array));
    if (unchanged) return;
    this.#fromFile = fromFile;
    this.#replace(fromFile ?? [randomBytes(TICKET_KEY_BYTES)]);
  }

  /** A new random key; keys of a file are rotated by who writes it. @returns whether there is one */
  rotate(): boolean {
    if (this.#fromFile !== undefined) return false;
    this.#replace([randomBytes(TICKET_KEY_BYTES)]);
    return true;
  }

  #replace(keys: readonly Uint8Array[]): void {
    const [before] = this.#current;
    const isGone = before !== undefined && !keys.some((key) => same(key, before));
    this.#current = isGone ? [...keys, before] : keys;
  }
}
