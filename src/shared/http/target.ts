const HASH = 0x23;
const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;

const PARAMETERS = /(?:;|%3B)[^/]*/g;
const SLASHES = /\/{2,}/g;
/** C0 controls and DEL; NUL is refused anyway. Some readers of URLs leave out TAB, CR and LF (WHATWG), some trim all. */
const ESCAPED_CONTROL = /%(?:[01][0-9A-F]|7F)/g;
const ESCAPED_SEPARATOR = /%2F|%5C/;
const ESCAPED_SEPARATORS = /%2F|%5C/g;

const UNCLEAN_QUERY = /[^!"$-~]/;

/**
 * The one form of a path that is routed on and forwarded, or `undefined` when the request must be refused with 400.
 *
 * RFC 3986 6.2.2: escapes of unreserved characters are decoded, other escapes keep upper-case hex, dot segments are
 * removed (5.2.4); empty segments (`//`) are segments like others and stay, see {@link mergeSlashes}. Refused rather
 * than repaired: a path that climbs above the root; a malformed escape; `%00`; a raw backslash; a dot segment that only
 * shows once `%2F` or `%5C` is decoded, `;parameters` are cut off or escaped controls are left out, because upstreams
 * differ in whether they do that.
 * A path that needs no work (nearly all of them) comes back as it is, after one loop.
 *
 * @param path the request target without its query, as it came
 */
export function normalizePath(path: string): string | undefined {
  if (path.charCodeAt(0) !== SLASH) return undefined;
  let previous = SLASH;
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code <= SLASH) {
      if (code <= 0x20 || code === HASH) return undefined;
      // A segment that starts with a dot needs a closer look, and so does any escape.
      if (code === PERCENT || (previous === SLASH && code === DOT)) return rewrite(path);
    } else if (code > 0x7e || code === QUESTION || code === BACKSLASH) return undefined;
    previous = code;
  }
  return path;
}

/** A normal path with every run of slashes as one, for routing only: what is forwarded keeps them. */
export function mergeSlashes(path: string): string {
  return path.includes('//') ? path.replaceAll(SLASHES, '/') : path;
}

/**
 * A normal path with escaped separators as slashes and without the `;parameters` of its segments, for routing only: many
 * upstreams (WSGI, servlets, Rails of old) find `/export/x` in `/export%2Fx` and `/export` in `/export;v=1`, so the route
 * for the one must take the other.
 */
export function pathForRouting(path: string): string {
  const plain = path.includes('%') ? path.replaceAll(ESCAPED_SEPARATORS, '/') : path;
  return plain.includes(';') || plain.includes('%3B') ? plain.replaceAll(PARAMETERS, '') : plain;
}

/**
 * Whether a query may be forwarded untouched: printable ASCII without `#`. Like nginx, everything else is the
 * upstream's business (malformed escapes, quotes, brackets, a second `?`).
 */
export function isCleanQuery(query: string): boolean {
  return query.length === 0 || !UNCLEAN_QUERY.test(query);
}

function rewrite(path: string): string | undefined {
  const text = decodeUnreserved(path);
  if (text === undefined) return undefined;
  const kept: string[] = [];
  for (let start = 1; start <= text.length;) {
    const slash = text.indexOf('/', start);
    const end = slash === -1 ? text.length : slash;
    const segment = text.slice(start, end);
    start = end + 1;
    if (segment === '..' && kept.pop() === undefined) return undefined;
    if (segment === '.' || segment === '..') {
      // A dot segment at the end leaves the slash before it.
      if (slash === -1) kept.push('');
    } else if (hidesDotSegment(segment)) return undefined;
    else kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Checks every character and escape; decodes the unreserved ones, so that what is left means only itself. */
function decodeUnreserved(path: string): string | undefined {
  let text = '';
  let copied = 0;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code <= 0x20 || code > 0x7e || code === HASH || code === QUESTION || code === BACKSLASH) return undefined;
    if (code !== PERCENT) continue;
    const byte = hexDigit(path.charCodeAt(i + 1)) * 16 + hexDigit(path.charCodeAt(i + 2));
    // NaN (not two hex digits) is not above 0 either.
    if (!(byte > 0)) return undefined;
    const escape = path.slice(i, i + 3);
    text += path.slice(copied, i) + (isUnreserved(byte) ? String.fromCharCode(byte) : escape.toUpperCase());
    i += 2;
    copied = i + 1;
  }
  return text + path.slice(copied);
}

/** Whether an upstream that decodes separators, cuts `;parameters` (Tomcat: `/..;x=1/`) or drops controls finds a dot segment here. */
function hidesDotSegment(segment: string): boolean {
  if (!segment.includes('.') || !(segment.includes(';') || segment.includes('%'))) return false;
  for (const part of segment.replaceAll('%3B', ';').replaceAll(ESCAPED_CONTROL, '').split(ESCAPED_SEPARATOR)) {
    const semicolon = part.indexOf(';');
    const name = semicolon === -1 ? part : part.slice(0, semicolon);
    if (name === '.' || name === '..') return true;
  }
  return false;
}

/** The value of an ASCII hex digit; NaN for anything else, NaN itself included (past the end of a string). */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

/** RFC 3986 2.3. */
function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === DOT || code === 0x5f || code === 0x7e;
}
