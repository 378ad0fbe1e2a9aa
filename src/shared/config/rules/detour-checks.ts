import { placeByPattern } from '../../http/pattern-place.ts';
import { normalizePath } from '../../http/target.ts';
import { showValue } from '../problems.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { asMapping } from './parts.ts';
import type { Mapping, RouteParts } from './parts.ts';
import { redirectFault } from './redirect-place.ts';
import { groupFault, patternOf } from './rewrite-checks.ts';

/** What groups may well have taken: enough to see whether a pattern fits where it sends clients. */
const SAMPLES = ['1', 'x', 'a-b', '/x', ''];
/** So often a client is sent on before it gives up (Fetch, section 4.4, says 20). */
const MOST_STEPS = 20;

/** What is wrong with a redirect that sends only some of the requests elsewhere. */
export function checkDetour({ given, path: routePath }: Omit<RouteParts, 'good'>): readonly YamlProblem[] {
  const redirect = asMapping(given['redirect']);
  const path = [...routePath, 'redirect'];
  const { pattern, scheme, to } = redirect;
  const other = scheme === undefined ? 'pattern' : 'scheme';
  const unfit: readonly (keyof typeof UNFIT)[] =
    scheme === undefined ? ['keep_path', 'port'] : ['to', 'keep_path', 'pattern'];
  const problems: YamlProblem[] = unfit
    .filter((key) => key in redirect && redirect[key] !== false)
    .map((key) => ({ path: [...path, key], value: undefined, expected: `it without ${other}`, reason: UNFIT[key] }));
  if (scheme !== undefined) return problems;
  if (to === undefined) problems.push({ path: [...path, 'to'], value: undefined, expected: 'where to, with pattern' });
  if (typeof pattern !== 'string') return problems;
  const read = patternOf(pattern);
  if ('expected' in read) return [...problems, { path: [...path, 'pattern'], value: showValue(pattern), ...read }];
  if (typeof to !== 'string') return problems;
  const fault = groupFault(to, read.groups) ?? placeFault(to);
  if (fault !== undefined) problems.push({ path: [...path, 'to'], value: showValue(to), expected: fault });
  else if (leadsBack(given, pattern, to)) {
    const reason = 'the pattern fits where it leads to, again and again';
    problems.push({ path: [...path, 'to'], value: showValue(to), expected: 'another place', reason });
  }
  return problems;
}

const UNFIT = {
  keep_path: 'what becomes of the path is said already',
  port: 'to says the port',
  to: 'host, path and query stay',
  pattern: 'it goes by how clients came, whatever their path',
} as const;

/** A group may stand in path and query only: what a client writes must not choose the host. */
function placeFault(to: string): string | undefined {
  const sample = to.replaceAll(/\$(\$|\d)/g, (_, digit: string) => (digit === '$' ? '$' : 'x'));
  const [, authority] = /^https?:\/\/([^/?#]*)/.exec(to) ?? [];
  if (authority === undefined) return redirectFault(to.startsWith('$') ? to : sample, false);
  if (authority.includes('$')) return 'a URL whose host has no group in it';
  if (/^https?:\/\/[^/?#]*$/.test(to)) return redirectFault(sample, false);
  return /^https?:\/\/[^/?#]*\//.test(to) ? redirectFault(sample, false) : 'a URL with a / behind its host';
}

/** Whether a client that was sent on there is sent on from there, and so on. Where it stays the same it is not sent again. */
function leadsBack({ path: prefix = '/', exact, host }: Mapping, pattern: string, to: string): boolean {
  if (exact !== undefined || typeof prefix !== 'string') return false;
  const [, authority] = /^https?:\/\/([^/?#:]*)/.exec(to) ?? [];
  if (authority !== undefined && authority !== host) return false;
  const regExp = new RegExp(pattern);
  const pathOf = (text: string): string | undefined =>
    normalizePath(text.replace(/^https?:\/\/[^/?#]*/, '').replace(/[?#].*$/s, ''));
  return SAMPLES.some((sample) => {
    let path = pathOf(to.replaceAll(/\$(\$|\d)/g, (_, digit: string) => (digit === '$' ? '$' : sample)));
    for (let step = 0; step < MOST_STEPS; step++) {
      const next = path?.startsWith(prefix) === true ? placeByPattern(path, regExp, to) : undefined;
      if (next === undefined || pathOf(next) === path) return false;
      path = pathOf(next);
    }
    return true;
  });
}
