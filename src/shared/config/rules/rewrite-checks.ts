import { normalizePath } from '../../http/target.ts';
import { showValue } from '../problems.ts';
import { parsePrefixPath } from '../routes/path.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { asMapping } from './parts.ts';
import type { RouteParts } from './parts.ts';
import { costFault } from './pattern-cost.ts';
import { PatternFault, readPattern } from './pattern-syntax.ts';
import type { Pattern } from './pattern-syntax.ts';

type Fault = Pick<YamlProblem, 'expected' | 'reason' | 'hint'>;

const LONGEST_PATTERN = 500;

/** What JavaScript says of a pattern, without the pattern. */
function syntaxFault(text: string): string | undefined {
  try {
    RegExp(text);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^.*: /s, '');
  }
}

/** Reads a pattern for paths; or says what is wrong with it. */
export function patternOf(text: string): Pattern | Fault {
  if (text === '' || text.length > LONGEST_PATTERN) {
    return { expected: `a regular expression of at most ${LONGEST_PATTERN} characters` };
  }
  const wrong = syntaxFault(text);
  if (wrong !== undefined) return { expected: 'another one', reason: `is no regular expression: ${wrong}` };
  try {
    const pattern = readPattern(text);
    const hint = costFault(pattern);
    if (hint === undefined) return pattern;
    return { expected: 'another one', reason: 'there are paths for which it would take very long', hint };
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error;
    return { expected: 'a pattern without', reason: `has what patterns for paths do not have here: ${error.message}` };
  }
}

/** A path in which `$1` to `$9` stand for groups that there are. */
function targetFault(text: string, groups: number): string | undefined {
  if (!text.startsWith('/')) return 'a path that starts with /';
  if (!/^[!-~]+$/.test(text) || /[?#\\]/.test(text)) return 'a path of printable ASCII without blanks, ?, # and \\';
  const fault = groupFault(text, groups);
  if (fault !== undefined) return fault;
  const path = text.replaceAll(/\$(?:\$|\d)/g, 'x');
  return normalizePath(path) === path ? undefined : 'a path in normal form, without . and .. segments';
}

/** Of a text in which `$1` to `$9` stand for groups. */
export function groupFault(text: string, groups: number): string | undefined {
  for (const [whole, digit] of text.matchAll(/\$(\$|\d{1,2})?/g)) {
    if (digit === '$') continue;
    const number = Number(digit);
    if (digit === undefined || digit.length > 1 || number === 0) return '$1 to $9 for groups ($$ stands for $)';
    if (number > groups) return `a ${whole} that the pattern has: it has ${groups} groups`;
  }
  return undefined;
}

/** What is wrong with `rewrite`. */
export function checkRewrite({ given, path: routePath }: RouteParts): readonly YamlProblem[] {
  if (!('rewrite' in given)) return [];
  const rewrite = asMapping(given['rewrite']);
  const path = [...routePath, 'rewrite'];
  const { prefix, pattern, to } = rewrite;
  const problems: YamlProblem[] = [];
  const missing = (key: string, expected: string): void =>
    void problems.push({ path: [...path, key], value: undefined, expected });
  const excess = (place: readonly PropertyKey[], beside: string): void =>
    void problems.push({ path: place, value: undefined, expected: `not both`, reason: `${beside} says another` });

  if (given['strip_prefix'] === true) {
    const reason = 'rewrite says what becomes of the path';
    const hint = 'prefix: / takes it off';
    problems.push({ path: [...routePath, 'strip_prefix'], value: undefined, expected: 'only rewrite', reason, hint });
  }
  if (prefix === undefined && pattern === undefined) missing('prefix', 'it, or pattern and to');
  if (prefix !== undefined && pattern !== undefined) excess([...path, 'pattern'], 'prefix');
  if (pattern !== undefined && to === undefined) missing('to', 'the path that becomes of it');
  if (to !== undefined && pattern === undefined && prefix !== undefined) excess([...path, 'to'], 'prefix');
  if (typeof prefix === 'string') {
    const parsed = parsePrefixPath(prefix);
    if (!parsed.ok) problems.push({ path: [...path, 'prefix'], value: showValue(prefix), expected: parsed.expected });
  }
  const read = typeof pattern === 'string' ? patternOf(pattern) : undefined;
  if (read !== undefined && 'expected' in read) {
    problems.push({ path: [...path, 'pattern'], value: showValue(pattern), ...read });
  }
  if (typeof to === 'string') {
    const groups = read === undefined || 'expected' in read ? 9 : read.groups;
    const expected = targetFault(to, groups);
    if (expected !== undefined) problems.push({ path: [...path, 'to'], value: showValue(to), expected });
  }
  return problems;
}
