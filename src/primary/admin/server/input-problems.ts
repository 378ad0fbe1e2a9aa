import type { z } from 'zod';
import { showValue } from '../../../shared/config/problems.ts';

/** One thing that is wrong with a request, as a member of `errors` in the problem. */
export interface InputProblem {
  /** Where: `for`, `rules[1].name`; `''` = the whole body. */
  readonly path: string;
  /** What would have been right, as a noun phrase. */
  readonly expected: string;
  /** What came, quoted and shortened. */
  readonly got: string;
}

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const ARTICLES: Readonly<Record<string, string>> = {
  object: 'a JSON object',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  null: 'null',
};

/** What zod's own words would be, as a noun phrase; messages that a schema brings along come before it. */
function phrase(issue: RawIssue): string {
  if (issue.code === 'invalid_type') return ARTICLES[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  if (issue.code === 'too_small') return `at least ${String(issue.minimum)}`;
  if (issue.code === 'too_big') return `at most ${String(issue.maximum)}`;
  return 'something else';
}

function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`));
  return parts.join('').replace(/^\./, '');
}

const unknownIn = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0);

/** The alternatives that were meant: those with the fewest unknown members, then with the fewest problems. */
function closest(alternatives: readonly (readonly Issue[])[]): readonly (readonly Issue[])[] {
  const distance = (issues: readonly Issue[]): number => unknownIn(issues) * 1_000 + issues.length;
  const least = Math.min(...alternatives.map(distance));
  return alternatives.filter((issues) => distance(issues) === least);
}

function fromIssue(issue: Issue, base: readonly PropertyKey[]): readonly InputProblem[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: pathText([...path, key]),
      expected: 'no such member',
      got: 'an unknown member',
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const meant = closest(issue.errors).map((issues) => issues.flatMap((each) => fromIssue(each, path)));
    const [only] = meant;
    if (only !== undefined && meant.length === 1) return only;
    const ways = meant.map((problems) => problems.map((each) => `${each.path}: ${each.expected}`).join(', '));
    return [{ path: pathText(path), expected: ways.join('; or '), got: shown(issue.input) }];
  }
  return [{ path: pathText(path), expected: issue.message, got: shown(issue.input) }];
}

const shown = (value: unknown): string => showValue(value) ?? 'nothing';

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly InputProblem[] };

/** Checks a value against a schema and finds all that is wrong with it. */
export function check(schema: z.ZodType, value: unknown): Checked {
  const result = schema.safeParse(value, { error: phrase, reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => fromIssue(issue, [])) };
}
