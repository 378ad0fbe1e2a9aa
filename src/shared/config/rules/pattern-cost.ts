import { END } from './pattern-syntax.ts';
import type { Characters, Pattern, PatternNode } from './pattern-syntax.ts';

/**
 * Whether a pattern takes time in proportion to the path at most, whatever the path. A matcher that goes back tries the
 * ways it has left; where the next character settles which way to go (the two have none in common) there is no going
 * back worth its name. Few choices that it does not settle are let pass, and one repetition, if no other follows it.
 */

/** Ways that choices outside repetitions may make together. */
const MOST_WAYS = 64;

interface Start {
  /** Characters that it can begin with. */
  readonly set: Characters;
  readonly mayBeEmpty: boolean;
}

const NOTHING: Characters = new Uint8Array(END + 1);
const both = (a: Characters, b: Characters): Characters => a.map((has, code) => has | (b[code] as number));
const overlap = (a: Characters, b: Characters): boolean => a.some((has, code) => has === 1 && b[code] === 1);

function startOf(node: PatternNode): Start {
  switch (node.kind) {
    case 'characters':
      return { set: node.set, mayBeEmpty: false };
    case 'end': {
      const set = new Uint8Array(END + 1);
      set[END] = 1;
      return { set, mayBeEmpty: false };
    }
    case 'sequence': {
      let set = NOTHING;
      for (const item of node.items) {
        const start = startOf(item);
        set = both(set, start.set);
        if (!start.mayBeEmpty) return { set, mayBeEmpty: false };
      }
      return { set, mayBeEmpty: true };
    }
    case 'choice': {
      const starts = node.options.map(startOf);
      return {
        set: starts.reduce((all, { set }) => both(all, set), NOTHING),
        mayBeEmpty: starts.some(({ mayBeEmpty }) => mayBeEmpty),
      };
    }
    case 'repeat': {
      const { set, mayBeEmpty } = startOf(node.item);
      return { set, mayBeEmpty: mayBeEmpty || node.min === 0 };
    }
    default:
      return node satisfies never;
  }
}

/** What can come next: of the node, and of what follows it where the node may be empty. */
const nextOf = (node: PatternNode, follow: Characters): Characters => {
  const { set, mayBeEmpty } = startOf(node);
  return mayBeEmpty ? both(set, follow) : set;
};

/** Whether it is more than one text of a fixed length. */
function isInvolved(node: PatternNode): boolean {
  return node.kind === 'sequence' ? node.items.some(isInvolved) : node.kind === 'choice' || node.kind === 'repeat';
}

class CostWalk {
  fault: string | undefined = undefined;
  #ways = 1;
  /** Why no repetition may follow. */
  #loose: string | undefined;

  constructor(anchored: boolean) {
    this.#loose = anchored ? undefined : 'start it with ^: else it is tried at every character of the path';
  }

  /** From left to right. @param follow what can come after the node; nothing: whatever comes is right */
  walk(node: PatternNode, follow: Characters): void {
    switch (node.kind) {
      case 'characters':
      case 'end':
        return;
      case 'sequence': {
        node.items.forEach((item, index) => {
          const rest: PatternNode = { kind: 'sequence', items: node.items.slice(index + 1) };
          this.walk(item, nextOf(rest, follow));
        });
        return;
      }
      case 'choice':
        this.#choice(node.options, follow);
        return;
      case 'repeat':
        this.#repeat(node, follow);
        return;
      default:
        node satisfies never;
    }
  }

  #choice(options: readonly PatternNode[], follow: Characters): void {
    const starts = options.map((option) => nextOf(option, follow));
    const unsettled = starts.some((start, index) => starts.slice(0, index).some((other) => overlap(start, other)));
    if (unsettled) this.#multiply(options.length);
    for (const option of options) this.walk(option, follow);
  }

  #repeat({ item, min, max }: Extract<PatternNode, { kind: 'repeat' }>, follow: Characters): void {
    const { set, mayBeEmpty } = startOf(item);
    if (max > 1) {
      if (isInvolved(item) || mayBeEmpty) {
        this.fault ??= 'a repetition holds no other repetition and no alternatives';
        return;
      }
      if (min === max) return;
      if (this.#loose !== undefined) this.fault ??= this.#loose;
      if (overlap(set, follow)) {
        this.#loose = 'one repetition that can take what follows it (such as .*) is the last; [^/]* ends at a slash';
      }
      return;
    }
    if (min !== max && (overlap(set, follow) || mayBeEmpty)) this.#multiply(2);
    this.walk(item, follow);
  }

  #multiply(ways: number): void {
    this.#ways *= ways;
    if (this.#ways > MOST_WAYS) this.fault ??= 'fewer parts that can be left out or chosen';
  }
}

/** What would make it cheap; `undefined` = it is. */
export function costFault({ node, anchored }: Pattern): string | undefined {
  const walk = new CostWalk(anchored);
  walk.walk(node, NOTHING);
  return walk.fault;
}
