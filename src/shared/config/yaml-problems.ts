import type * as z from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { keysAt } from './json-schema.ts';
import { showValue } from './problems.ts';
import { pathText } from './path-text.ts';
import type { Problem } from './problems.ts';
import { placeText } from './files/merged-yaml.ts';
import type { MergedYaml } from './files/merged-yaml.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];
/** A problem in the YAML before it is given its place. */
export type YamlProblem = Omit<Problem, 'key' | 'file' | 'line' | 'column'> & {
  readonly path: Path;
  /** What it cannot be beside, and stands before it. */
  readonly first?: Path;
};

/** Gives a problem its key and place, and in several files that of what it clashes with. Secrets from elsewhere are masked. */
export function placed({ path, first, ...problem }: YamlProblem, yaml: MergedYaml): Problem {
  const { value } = problem;
  const masked = value?.startsWith('"') === true && yaml.holdsSecret(path);
  const named = first === undefined || yaml.parts.length === 1 || problem.hint !== undefined;
  return {
    key: path.length === 0 ? 'top level' : pathText(path),
    ...problem,
    ...(masked ? { value: '***' } : {}),
    ...(named ? {} : { hint: `that is ${placeText(yaml.locate(first))}` }),
    ...yaml.locate(path),
  };
}

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
