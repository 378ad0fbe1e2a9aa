import { isAmbiguousName, plainTwin } from '../../../shared/http/ambiguous-name.ts';

/** Longer names share the last place. */
const LONGEST = 63;

/** Takes fields of some names out of header lines. However many names there are, each line costs one look. */
export class FieldFilter {
  readonly #names: ReadonlySet<string>;
  /** 1 where some name has that length: most lines need no more than that. */
  readonly #lengths = new Uint8Array(LONGEST + 1);

  /** @param names in any case */
  constructor(names: Iterable<string>) {
    this.#names = new Set([...names].map((name) => plainTwin(name.toLowerCase())));
    for (const { length } of this.#names) this.#lengths[Math.min(length, LONGEST)] = 1;
  }

  /** @param lines each with its CRLF, or with CRLF between; what is left is so too */
  without(lines: string): string {
    let kept = '';
    let from = 0;
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf('\r\n', start);
      const next = end === -1 ? lines.length : end + 2;
      if (this.#has(lines, start)) {
        kept += lines.slice(from, start);
        from = next;
      }
      start = next;
    }
    if (from === 0) return lines;
    const left = kept + lines.slice(from);
    return left.endsWith('\r\n') && !lines.endsWith('\r\n') ? left.slice(0, -2) : left;
  }

  /** Readers that take `X_Debug` for `X-Debug` must not find it either. */
  #has(lines: string, start: number): boolean {
    const end = lines.indexOf(':', start);
    if (this.#lengths[Math.min(end - start, LONGEST)] === 0) return false;
    const name = lines.slice(start, end).toLowerCase();
    return this.#names.has(isAmbiguousName(name) ? plainTwin(name) : name);
  }
}
