import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { costFault } from './pattern-cost.ts';
import { PatternFault, readPattern } from './pattern-syntax.ts';
import type { PatternNode } from './pattern-syntax.ts';

test.each([
  '^/u/(\\d+)$',
  '^/u/([^/]+)/orders/([^/]+)$',
  '^/(?:en|de)/(.*)$',
  '^/(.*)/index\\.html$',
  '/v1/',
  '^/a(?:/b)?/c$',
  '^/[a-z][a-z0-9-]*(?:/.*)?$',
  '^/(\\w{2})/(\\w{4})$',
  '^/(?:ab)+c',
  '\\.php$',
])('%s is cheap', (text) => {
  expect(costFault(readPattern(text))).toBeUndefined();
});

const NESTED = 'a repetition holds no other repetition and no alternatives';
const LOOSE = 'one repetition that can take what follows it (such as .*) is the last; [^/]* ends at a slash';
const UNANCHORED = 'start it with ^: else it is tried at every character of the path';
const WAYS = 'fewer parts that can be left out or chosen';

test.each([
  ['^(a+)+$', NESTED],
  ['^(a*)*$', NESTED],
  ['^(?:a|a)*$', NESTED],
  ['^(?:a?){30}a$', NESTED],
  ['^(?:[^/]+/)*x$', NESTED],
  ['^(?:)*$', NESTED],
  ['^.*a.*b$', LOOSE],
  ['^\\d*\\d*x$', LOOSE],
  ['^(.*)a([^c]*)c$', LOOSE],
  ['^a*(?:a)?a*b$', LOOSE],
  ['a+b', UNANCHORED],
  [`^${'a?'.repeat(30)}${'a'.repeat(30)}$`, WAYS],
  [`^${'(?:a|ab)'.repeat(10)}$`, WAYS],
])('%s may take long: %s', (text, fault) => {
  expect(costFault(readPattern(text))).toBe(fault);
});

test.each([
  '(?=a)',
  '(?<n>a)',
  '(?i:a)',
  '(a)\\1',
  '\\bx',
  'a|^b',
  '^a|b',
  'a{1000}',
  'a{,3}',
  'é',
  '\\p{L}',
  '[a-\\d]',
])('%s is not read', (text) => {
  expect(() => readPattern(text)).toThrow(PatternFault);
});

/** A matcher that goes back as RegExp does, and counts what it looks at. */
function stepsOf(node: PatternNode, anchored: boolean, path: string): { matched: boolean; steps: number } {
  let steps = 0;
  type Next = (at: number) => boolean;
  const match = (each: PatternNode, at: number, next: Next): boolean => {
    steps++;
    if (steps > 1_000_000) throw new Error('too many steps');
    switch (each.kind) {
      case 'characters':
        return at < path.length && each.set[path.charCodeAt(at)] === 1 && next(at + 1);
      case 'end':
        return at === path.length && next(at);
      case 'sequence': {
        const from = (index: number, place: number): boolean => {
          const item = each.items[index];
          return item === undefined ? next(place) : match(item, place, (after) => from(index + 1, after));
        };
        return from(0, at);
      }
      case 'choice':
        return each.options.some((option) => match(option, at, next));
      case 'repeat': {
        const again = (times: number, place: number): boolean => {
          const more = (after: number): boolean => after > place && again(times + 1, after);
          if (times < each.max && match(each.item, place, more)) return true;
          return times >= each.min && next(place);
        };
        return again(0, at);
      }
      default:
        return each satisfies never;
    }
  };
  const starts = anchored ? 1 : path.length + 1;
  let matched = false;
  for (let at = 0; at < starts && !matched; at++) matched = match(node, at, () => true);
  return { matched, steps };
}

const atom = fc.constantFrom('a', 'b', '/', '.', '[ab]', '[^/]', '\\w');
const times = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '*?');
const piece = fc.tuple(atom, times).map((parts) => parts.join(''));
const pieces = fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
const group = fc
  .tuple(fc.array(pieces, { minLength: 1, maxLength: 3 }), times)
  .map(([options, count]) => `(?:${options.join('|')})${count}`);
const pattern = fc
  .tuple(fc.constantFrom('^', '^', ''), fc.array(fc.oneof(piece, group), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([start, parts, ends]) => start + parts.join('') + (ends ? '$' : ''));
const path = fc
  .tuple(fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 4 }), fc.constantFrom('a', 'b', '/', 'ab', 'a/'))
  .map(([start, repeated]) => (start + repeated.repeat(200)).slice(0, 200));

prop.prop([pattern, path], { numRuns: 2_000 })(
  'a pattern that is taken needs time in proportion to the path, and matches what RegExp matches',
  (text, asked) => {
    const { node, anchored } = readPattern(text);
    fc.pre(costFault({ node, anchored, groups: 0 }) === undefined);
    const { matched, steps } = stepsOf(node, anchored, asked);
    expect(steps).toBeLessThan(100 * text.length * (asked.length + 1));
    expect(matched).toBe(new RegExp(text).test(asked));
  },
);

test('that counting finds what is exponential, and what grows with the square', () => {
  const long = 'a'.repeat(200);
  expect(() => stepsOf(readPattern('^(?:a+)+b').node, true, long)).toThrow('too many steps');
  expect(stepsOf(readPattern('^.*a.*b$').node, true, long).steps).toBeGreaterThan(40_000);
});
