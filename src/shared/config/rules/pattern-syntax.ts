/** Regular expressions for paths: what is needed of their syntax, read so that their cost can be judged. */

/** Characters, by code; END is the end of the path. Paths are ASCII. */
export type Characters = Uint8Array;
export const END = 128;

export type PatternNode =
  | { readonly kind: 'characters'; readonly set: Characters }
  /** The end of the path. */
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly min: number; readonly max: number };

export interface Pattern {
  readonly node: PatternNode;
  /** It starts with `^`. */
  readonly anchored: boolean;
  /** Groups that `$1` to `$9` stand for. */
  readonly groups: number;
}

/** The pattern has something that this reader does not take. */
export class PatternFault extends Error {}

const MOST_TIMES = 100;

const charactersOf = (matching: RegExp): Characters =>
  new Uint8Array(END + 1).map((_, code) => (code < END && matching.test(String.fromCharCode(code)) ? 1 : 0));

const one = (character: string): Characters => {
  const set = new Uint8Array(END + 1);
  set[character.charCodeAt(0)] = 1;
  return set;
};

const isOne = (set: Characters): boolean => set.indexOf(1) === set.lastIndexOf(1);

const CLASSES: ReadonlyMap<string, Characters> = new Map([
  ['d', charactersOf(/\d/)],
  ['D', charactersOf(/\D/)],
  ['w', charactersOf(/\w/)],
  ['W', charactersOf(/\W/)],
  ['s', charactersOf(/\s/)],
  ['S', charactersOf(/\S/)],
]);
const ANY = charactersOf(/./);

class PatternReader {
  groups = 0;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at === this.#text.length;
  }

  /** Takes `text` if it is what comes next. */
  take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #next(): string {
    const character = this.#text[this.#at++];
    if (character === undefined || character.charCodeAt(0) >= END) throw new PatternFault('a character no path has');
    return character;
  }

  choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.take('|')) options.push(this.#sequence());
    return options.length === 1 ? (options[0] as PatternNode) : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (!this.ended && !this.#text.startsWith('|', this.#at) && !this.#text.startsWith(')', this.#at)) {
      items.push(this.#repeated(this.#item()));
    }
    return { kind: 'sequence', items };
  }

  #item(): PatternNode {
    if (this.take('(?:')) return this.#restOfGroup();
    if (this.#text.startsWith('(?', this.#at)) throw new PatternFault('a group that starts with (? but not with (?:');
    if (this.take('(')) {
      this.groups++;
      return this.#restOfGroup();
    }
    if (this.take('[')) return { kind: 'characters', set: this.#class() };
    if (this.take('.')) return { kind: 'characters', set: ANY };
    if (this.take('$')) return { kind: 'end' };
    if (this.take('\\')) return { kind: 'characters', set: this.#escaped() };
    const character = this.#next();
    if ('^{}]'.includes(character))
      throw new PatternFault(`${character} in this place; \\${character} is the character`);
    return { kind: 'characters', set: one(character) };
  }

  #restOfGroup(): PatternNode {
    const inside = this.choice();
    this.take(')');
    return inside;
  }

  #escaped(): Characters {
    const character = this.#next();
    const set = CLASSES.get(character);
    if (set !== undefined) return set;
    if (/\w/.test(character)) throw new PatternFault(`\\${character}`);
    return one(character);
  }

  /** What follows `[`. */
  #class(): Characters {
    const negated = this.take('^');
    const set = new Uint8Array(END + 1);
    while (!this.take(']')) {
      const from = this.#memberOfClass();
      const isRange = /^-[^\]]/.test(this.#text.slice(this.#at, this.#at + 2));
      if (!isRange) {
        for (let code = 0; code < END; code++) set[code] = (set[code] as number) | (from[code] as number);
        continue;
      }
      this.take('-');
      const to = this.#memberOfClass();
      if (!isOne(from) || !isOne(to)) throw new PatternFault('a range from or to a class');
      set.fill(1, from.indexOf(1), to.indexOf(1) + 1);
    }
    return negated ? set.map((has, code) => (code < END ? 1 - has : 0)) : set;
  }

  #memberOfClass(): Characters {
    return this.take('\\') ? this.#escaped() : one(this.#next());
  }

  #repeated(item: PatternNode): PatternNode {
    const times = this.#times();
    if (times === undefined) return item;
    this.take('?'); // lazy: the same ways in another order
    return { kind: 'repeat', item, ...times };
  }

  #times(): { readonly min: number; readonly max: number } | undefined {
    if (this.take('?')) return { min: 0, max: 1 };
    if (this.take('*')) return { min: 0, max: Infinity };
    if (this.take('+')) return { min: 1, max: Infinity };
    const found = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    this.take(found[0]);
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === '' ? Infinity : Number(found[3]);
    if (min > MOST_TIMES || (max > MOST_TIMES && max !== Infinity))
      throw new PatternFault(`more than ${MOST_TIMES} times`);
    return { min, max };
  }
}

/**
 * Reads a pattern that `RegExp` takes. Throws PatternFault where it has what paths do not need: names of groups, looking
 * ahead or back, references, escapes of letters other than the classes.
 */
export function readPattern(text: string): Pattern {
  const reader = new PatternReader(text);
  const anchored = reader.take('^');
  const node = reader.choice();
  if (!reader.ended) throw new PatternFault('a ) without its (');
  if (anchored && node.kind === 'choice') {
    throw new PatternFault('^ for the first alternative only; ^(?:a|b) is for both');
  }
  return { node, anchored, groups: reader.groups };
}
