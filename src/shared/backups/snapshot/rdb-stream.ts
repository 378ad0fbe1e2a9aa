/*
 * What a Redis sends a replica that asks for everything: line ends while it makes the snapshot, `+FULLRESYNC <id>
 * <offset>`, more line ends, then either `$<length>` and so many bytes, or `$EOF:<40 characters>`, the bytes, and the 40
 * characters again (replication.c of Redis, since 2.8.18).
 */

const MARK_BYTES = 40;
const LONGEST_LINE_BYTES = 1024;
const NEWLINE = 10;

type State =
  | { readonly kind: 'line'; readonly want: 'resync' | 'length' }
  | { readonly kind: 'length'; readonly leftBytes: number }
  | { readonly kind: 'marked'; readonly mark: Buffer }
  | { readonly kind: 'whole' };

/** Redis said no, in its own words. */
export class RedisRefusal extends Error {}

/** Takes the bytes as they come and gives those of the snapshot; anything else than the above is an error. */
export class RdbStream {
  #state: State = { kind: 'line', want: 'resync' };
  #held: Buffer = Buffer.alloc(0);
  #totalBytes: number | undefined;

  /** All of the snapshot has come; what comes after it is not ours. */
  get whole(): boolean {
    return this.#state.kind === 'whole';
  }

  /** Where Redis said how long it is. */
  get totalBytes(): number | undefined {
    return this.#totalBytes;
  }

  /**
   * @returns bytes of the snapshot, in order; they lie in `chunk` or in what was held back before
   * @throws {RedisRefusal} where Redis says no
   * @throws {Error} on what is no answer to PSYNC
   */
  push(chunk: Buffer): readonly Buffer[] {
    const out: Buffer[] = [];
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    while (rest.length > 0 && this.#state.kind !== 'whole') rest = this.#step(this.#state, rest, out);
    return out;
  }

  /** @returns what is still to be looked at; holds back what needs more bytes */
  #step(state: Exclude<State, { kind: 'whole' }>, rest: Buffer, out: Buffer[]): Buffer {
    switch (state.kind) {
      case 'line':
        return this.#line(state.want, rest);
      case 'length': {
        const part = rest.subarray(0, state.leftBytes);
        out.push(part);
        const leftBytes = state.leftBytes - part.length;
        this.#state = leftBytes === 0 ? { kind: 'whole' } : { kind: 'length', leftBytes };
        return rest.subarray(part.length);
      }
      case 'marked': {
        const at = rest.indexOf(state.mark);
        const sure = at === -1 ? Math.max(0, rest.length - MARK_BYTES + 1) : at;
        if (sure > 0) out.push(rest.subarray(0, sure));
        if (at !== -1) this.#state = { kind: 'whole' };
        // A copy: what is held must not keep a whole chunk alive, nor be written over.
        else this.#held = Buffer.from(rest.subarray(sure));
        return Buffer.alloc(0);
      }
      default:
        return state satisfies never;
    }
  }

  #line(want: 'resync' | 'length', rest: Buffer): Buffer {
    const end = rest.indexOf(NEWLINE);
    if (end === -1) {
      if (rest.length > LONGEST_LINE_BYTES) throw new Error('Redis answered PSYNC with a line without end');
      this.#held = Buffer.from(rest);
      return Buffer.alloc(0);
    }
    const line = rest.toString('latin1', 0, end).replace(/\r$/, '');
    if (line !== '') this.#state = this.#next(want, line);
    return rest.subarray(end + 1);
  }

  #next(want: 'resync' | 'length', line: string): State {
    if (line.startsWith('-')) throw new RedisRefusal(line.slice(1));
    if (want === 'resync') {
      if (/^\+FULLRESYNC [0-9a-f]{40} \d+$/.test(line)) return { kind: 'line', want: 'length' };
    } else if (line.startsWith('$EOF:') && line.length === 5 + MARK_BYTES) {
      return { kind: 'marked', mark: Buffer.from(line.slice(5), 'latin1') };
    } else if (/^\$\d{1,15}$/.test(line)) {
      this.#totalBytes = Number(line.slice(1));
      return this.#totalBytes === 0 ? { kind: 'whole' } : { kind: 'length', leftBytes: this.#totalBytes };
    }
    throw new Error(`Redis answered PSYNC with ${JSON.stringify(line.slice(0, 80))}`);
  }
}
