import { plainTwin } from '../../../../shared/http/ambiguous-name.ts';
import { CLAIM_NAMES, CLAIM_PREFIXES } from '../../../../shared/http/forwarding-claim.ts';
import {
  CLAIM,
  DROP,
  DROP_PREFIXES,
  FORWARD,
  NOTABLE_NAMES,
  requestFieldKind,
} from '../../../../shared/http/request-field.ts';

/** A field whose value may name the client has the code IDENTIFYING + its index; everything below is a kind of request-field.ts. */
export const IDENTIFYING = 32;

/** Names of this length or more share a list, and hardly any request has one. */
const LONGEST = 31;

/** Lower case of a letter; every other byte as it is. */
const LOWER = new Uint8Array(256).map((_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));

/**
 * What to do with a field, by the bytes of its name, without making a string: length and first letter settle most
 * names, and one comparison the rest.
 */
export class FieldNames {
  /** By length and first letter, the first name to compare with; 0 = none. */
  readonly #first = new Uint16Array((LONGEST + 1) * 32);
  readonly #names: Buffer[] = [Buffer.alloc(0)];
  readonly #codes: number[] = [FORWARD];
  /** Entries below it are beginnings of names, not names. */
  readonly #firstWhole: number;
  /** The next name of the same length and first letter; 0 = none. */
  readonly #next: number[] = [0];

  /** @param identifying lower-case names; those that are not simply forwarded cannot name a client */
  constructor(identifying: Iterable<string>) {
    for (const prefix of CLAIM_PREFIXES) this.#addPrefix(prefix, CLAIM);
    for (const prefix of DROP_PREFIXES) this.#addPrefix(prefix, DROP);
    this.#firstWhole = this.#names.length;
    for (const name of CLAIM_NAMES) this.#add(name, CLAIM);
    for (const name of NOTABLE_NAMES) this.#add(name, requestFieldKind(name));
    let code = IDENTIFYING;
    for (const name of identifying) {
      if (requestFieldKind(name) === FORWARD) this.#add(name, code);
      code++;
    }
  }

  #addPrefix(prefix: string, code: number): void {
    for (let length = prefix.length + 1; length <= LONGEST; length++) this.#add(prefix, code, length);
  }

  /** @param length of the names that it stands for */
  #add(name: string, code: number, length = name.length): void {
    const bytes = Buffer.from(name, 'latin1');
    const slot = slotOf(length, bytes[0] as number);
    this.#names.push(bytes);
    this.#codes.push(code);
    this.#next.push(this.#first[slot] as number);
    this.#first[slot] = this.#names.length - 1;
  }

  /** The code of the name of `length` bytes at `at`. */
  find(bytes: Buffer, at: number, length: number): number {
    let i = this.#first[slotOf(length, bytes[at] as number)] as number;
    while (i !== 0) {
      const name = this.#names[i] as Buffer;
      if ((name.length === length || i < this.#firstWhole) && isName(bytes, at, name)) return this.#codes[i] as number;
      i = this.#next[i] as number;
    }
    return FORWARD;
  }

  /** The code of an ambiguous name that may pass: not where a reader could take it for one that says something here. */
  findAmbiguous(lowerName: string): number {
    const code = this.#findText(lowerName);
    if (code !== FORWARD) return code;
    return this.#findText(plainTwin(lowerName)) === FORWARD ? FORWARD : DROP;
  }

  #findText(lowerName: string): number {
    return this.find(Buffer.from(lowerName, 'latin1'), 0, lowerName.length);
  }
}

function slotOf(length: number, first: number): number {
  return ((length < LONGEST ? length : LONGEST) << 5) | (first & 31);
}

function isName(bytes: Buffer, at: number, lower: Buffer): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (LOWER[bytes[at + i] as number] !== lower[i]) return false;
  }
  return true;
}
