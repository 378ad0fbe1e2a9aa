import type * as z from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { keysAt } from './json-schema.ts';
import { showValue } from './problems.ts';
import type { Problem } from './problems.ts';
import type { YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
/** A problem in the YAML before it is given its place. */
export type YamlProblem = Omit<Problem, 'key' | 'file' | 'line' | 'column'> & { readonly path: Path };

/** `routes[1].timeouts`, `upstreams["a b"]`. */
function pathText(path: Path): string {
  const parts = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[\w-]+$/.test(String(step)) ? `.${String(step)}` : `[${JSON.stringify(String(step))}]`;
  });
  return parts.join('').replace(/^\./, '');
}

/** Gives a problem its key and place. */
export const placed = ({ path, ...problem }: YamlProblem, source: YamlSource): Problem => ({
  key: path.length === 0 ? 'top level' : pathText(path),
  ...problem,
  ...source.locate(path),
});

/** Of several forms that a value may have, what is wrong with the one whose type it has; undefined: it has none of them. */
function meantOf({ errors }: z.core.$ZodIssueInvalidUnion): readonly Issue[] | undefined {
  const isOther = ({ code, path }: Issue): boolean => code === 'invalid_type' && path.length === 0;
  return errors.find((issues) => !issues.some(isOther));
}

/** One problem an issue, but one for every unknown key. */
export function fromIssue(issue: Issue): readonly YamlProblem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    const expected = `one of ${known.join(', ')}`;
    return issue.keys.map((key) => ({
      path: [...path, key],
      value: undefined,
      expected,
      reason: 'unknown key',
      ...didYouMean(key, known),
    }));
  }
  const meant = issue.code === 'invalid_union' ? meantOf(issue) : undefined;
  if (meant !== undefined) return meant.flatMap((each) => fromIssue({ ...each, path: [...path, ...each.path] }));
  const expected = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const options = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  return [{ path, value: showValue(issue.input), expected, ...didYouMean(issue.input, options) }];
}
