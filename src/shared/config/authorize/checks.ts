import { didYouMean } from '../did-you-mean.ts';
import { showValue } from '../problems.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { QUESTION_PARTS } from './types.ts';
import { AUTHORIZE_DEFAULTS } from './yaml.ts';
import type { AuthorizeYaml } from './yaml.ts';

type Path = readonly PropertyKey[];

/** What of the file an `authorize` is judged by. */
interface AuthorizeSurroundings {
  /** Where it stands. */
  readonly path: Path;
  /** Names of upstreams. */
  readonly upstreams: readonly string[];
  /** The route asks who its clients are. */
  readonly authenticates: boolean;
}

function checkTwice(names: readonly string[], path: Path): readonly YamlProblem[] {
  const lower = names.map((name) => name.toLowerCase());
  return lower.flatMap((name, at) =>
    lower.indexOf(name) < at
      ? [{ path: [...path, at], value: showValue(names[at]), expected: 'every field only once' }]
      : [],
  );
}

function checkWhom(
  { url, upstream, path: asked }: Partial<AuthorizeYaml>,
  { path, upstreams }: AuthorizeSurroundings,
): readonly YamlProblem[] {
  const problems: YamlProblem[] = [];
  if (upstream !== undefined && !upstreams.includes(upstream)) {
    const known = upstreams.length === 0 ? 'none is defined' : upstreams.join(', ');
    const expected = `the name of an upstream (${known})`;
    problems.push({
      path: [...path, 'upstream'],
      value: showValue(upstream),
      expected,
      ...didYouMean(upstream, upstreams),
    });
  }
  if (asked !== undefined && url !== undefined) {
    const expected = 'upstream with it';
    problems.push({ path: [...path, 'path'], value: undefined, expected, reason: 'url has a path of its own' });
  }
  return problems;
}

/** Without one of these an answer to one caller would be given to another. */
const TELL_CALLERS_APART: readonly string[] = ['address', 'consumer'];

function checkCacheBy(
  { cache_by: by, forward = [...AUTHORIZE_DEFAULTS.forward] }: Partial<AuthorizeYaml>,
  { path, authenticates }: AuthorizeSurroundings,
): readonly YamlProblem[] {
  if (by === undefined) return [];
  const at = [...path, 'cache_by'];
  const fields = forward.map((name) => name.toLowerCase());
  const known = [...fields, ...QUESTION_PARTS];
  const problems: YamlProblem[] = by.flatMap((name, index) =>
    known.includes(name.toLowerCase())
      ? []
      : [
          {
            path: [...at, index],
            value: showValue(name),
            expected: `a field of forward, or one of ${QUESTION_PARTS.join(', ')}`,
            ...didYouMean(name, known),
          },
        ],
  );
  problems.push(...checkTwice(by, at));
  const telling = [...fields, ...TELL_CALLERS_APART];
  if (problems.length === 0 && !by.some((name) => telling.includes(name.toLowerCase()))) {
    const expected = `a field of forward, or ${TELL_CALLERS_APART.join(' or ')}, among them`;
    problems.push({ path: at, value: undefined, expected, reason: 'callers would get the answers of others' });
  }
  if (by.includes('consumer') && !authenticates) {
    const expected = 'authenticate with consumer';
    problems.push({ path: at, value: undefined, expected, reason: 'nobody is asked who he is' });
  }
  return problems;
}

/** What an `authorize` says that does not fit together, or with the rest of the file. */
export const checkAuthorize = (
  authorize: Partial<AuthorizeYaml>,
  around: AuthorizeSurroundings,
): readonly YamlProblem[] => [
  ...checkWhom(authorize, around),
  ...checkTwice(authorize.forward ?? [], [...around.path, 'forward']),
  ...checkTwice(authorize.copy ?? [], [...around.path, 'copy']),
  ...checkCacheBy(authorize, around),
];
