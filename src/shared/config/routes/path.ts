import { normalizePath } from '../../http/target.ts';
import type { Parsed } from '../parsed.ts';

/** Paths the gateway answers itself. */
const RESERVED_PATHS: readonly string[] = ['/health', '/ready'];

/**
 * A path as requests have it after normalisation, so that a route can never be one that nothing matches: starts with
 * `/`, printable ASCII, no empty, `.` or `..` segment, nothing percent-encoded, no parameters, no query.
 */
function parseNormalPath(text: string): Parsed<string> {
  const fail = (expected: string): Parsed<string> => ({ ok: false, expected });
  if (!text.startsWith('/')) return fail('a path that starts with /');
  if (/[?#]/.test(text)) return fail('a path without query or fragment');
  if (text.includes('%')) return fail('a path without percent-encoding');
  if (text.includes(';')) return fail('a path without ;parameters (they are cut off before routes are looked for)');
  if (!/^[!-~]+$/.test(text) || text.includes('\\')) return fail('a path of printable ASCII without spaces or \\');
  const segments = text.slice(1).split('/');
  if (segments.some((segment) => segment === '.' || segment === '..')) return fail('a path without . or .. segments');
  if (segments.slice(0, -1).includes('')) return fail('a path without //');
  if (normalizePath(text) !== text) return fail('a path in normal form');
  return { ok: true, value: text };
}

/** The path of a prefix route. It matches on segment boundaries, so a slash at its end would say nothing. */
export function parsePrefixPath(text: string): Parsed<string> {
  const parsed = parseNormalPath(text);
  if (parsed.ok && text.length > 1 && text.endsWith('/')) {
    return { ok: false, expected: 'a path without / at the end (it matches everything below it anyway)' };
  }
  return parsed;
}

/** The path of an exact route; never one the gateway answers itself. */
export function parseExactPath(text: string): Parsed<string> {
  if (RESERVED_PATHS.includes(text)) {
    return {
      ok: false,
      expected: `a path other than ${RESERVED_PATHS.join(' and ')}, which the gateway answers itself`,
    };
  }
  return parseNormalPath(text);
}

/** The name of a route that has none: `/a/b` is `a-b`, `/` is `root`. */
export function nameFromPath(path: string): string {
  const name = path.replaceAll(/[^A-Za-z0-9._]+/g, '-').replaceAll(/^[^A-Za-z0-9]+|-+$/g, '');
  return name === '' ? 'root' : name.slice(0, 64);
}
