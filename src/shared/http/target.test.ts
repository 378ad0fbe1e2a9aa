import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { pathForRouting, isCleanQuery, mergeSlashes, normalizePath } from './target.ts';

describe('normalizePath', () => {
  test.each([
    ['/', '/'],
    ['/proxy/ok', '/proxy/ok'],
    ['/proxy/ok/', '/proxy/ok/'],
    ['/a//b///c', '/a//b///c'],
    ['//', '//'],
    ['/a//', '/a//'],
    ['/img/https://example.com/a.png', '/img/https://example.com/a.png'],
    ['/a//./b', '/a//b'],
    ['/a//..', '/a/'],
    ['/.//a', '//a'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['/.', '/'],
    ['/a//../b', '/a/b'],
    ['/a//../../b', '/b'],
    ['/.well-known/x', '/.well-known/x'],
    ['/...', '/...'],
    ['/.x/./a/.y/../b', '/.x/a/b'],
    ['/a/..b/c..', '/a/..b/c..'],
    ['/%41%7e%2D', '/A~-'],
    ['/a/%2e%2E/b', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/%c3%a9', '/%C3%A9'],
    ['/a%2fb', '/a%2Fb'],
    ['/%252e%252e/x', '/%252e%252e/x'],
    ['/..%252fx', '/..%252fx'],
    ['/a;v=1/b', '/a;v=1/b'],
    ['/a;v=../b', '/a;v=../b'],
    ['/a%3bb', '/a%3Bb'],
    ['/CORP%5Cjohn', '/CORP%5Cjohn'],
    ['/a%5cb.c%5c', '/a%5Cb.c%5C'],
    ['/a%0d%0aX:1', '/a%0D%0AX:1'],
    ['/a%09.b%1f%7f', '/a%09.b%1F%7F'],
    [`/a"<>^\`{|}[]`, `/a"<>^\`{|}[]`],
  ])('%s -> %s', (path, normal) => {
    expect(normalizePath(path)).toBe(normal);
  });

  test.each([
    ['empty', ''],
    ['asterisk', '*'],
    ['absolute form', 'http://h/a'],
    ['space', '/a b'],
    ['fragment', '/a#b'],
    ['question mark', '/a?b'],
    ['backslash', '/a\\b'],
    ['control', '/a\u0001'],
    ['DEL', '/a\u007f'],
    ['non-ASCII', '/é'],
    ['undecodable byte', '/\ufffd'],
    ['escaped NUL', '/a%00'],
    ['escape cut short', '/a%4'],
    ['lone percent', '/a%'],
    ['escape that is not hex', '/a%g0'],
    ['escape that is not hex at the end', '/a%0g'],
    ['bad character after an escape', '/%41\u00a0'],
    ['bad character after a dot segment', '/./a#'],
    ['climb', '/..'],
    ['climb and come back', '/a/../../b'],
    ['escaped climb', '/%2e%2e/a'],
    ['climb behind %2F', '/p/..%2fx'],
    ['climb behind %2F, escaped dots', '/p/%2e%2e%2Fx'],
    ['climb between %2F', '/p/a%2F..%2fb'],
    ['climb at the end behind %2F', '/p/a%2F..'],
    ['one dot behind %2F', '/p/.%2fx'],
    ['dot segment with a parameter', '/p/..;/x'],
    ['dot segment with a value', '/p/..;x=1/y'],
    ['dot segment with an escaped semicolon', '/p/..%3bx/y'],
    ['dot segment with parameter behind %2F', '/p/a%2f..;b'],
    ['single dot with a parameter', '/p/.;x/y'],
    ['climb behind %5C', '/p/..%5cx'],
    ['climb between %5C', '/p/a%5C..%5cb'],
    ['climb at the end behind %5C', '/p/a%5C..'],
    ['escaped climb behind %5C', '/p/%2e%2e%5Cx'],
    ['climb between %5C and %2F', '/p/a%5C..%2fb'],
    ['one dot behind %5C', '/p/.%5cx'],
    ['dot segment with a parameter behind %5C', '/p/a%5c..;b'],
    ['a tab within a dot segment', '/p/.%09./x'],
    ['a line end behind a dot segment', '/p/..%0d%0a/x'],
    ['DEL before a dot segment', '/p/%7f../x'],
    ['a tab within a dot segment behind %5C', '/p/a%5C.%09.'],
    ['climb after empty segments', '/a//../../../b'],
  ])('refuses: %s', (_why, path) => {
    expect(normalizePath(path)).toBeUndefined();
  });

  test('a path without work is the same string', () => {
    expect(normalizePath('/orders/7/lines;v=2/x.y-z_~')).toBe('/orders/7/lines;v=2/x.y-z_~');
  });
});

test.each([
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['//a///b//', '/a/b/'],
  ['/img/https://h/a', '/img/https:/h/a'],
])('mergeSlashes: %s -> %s', (path, merged) => {
  expect(mergeSlashes(path)).toBe(merged);
});

/** Fragments that can go wrong together; any mix of them is a plausible attack. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '.',
        '..',
        '/./',
        '/../',
        ';',
        '..;x=1',
        '%2e',
        '%2E',
        '%2f',
        '%2F',
        '%25',
        '%3b',
        '%',
      ),
      fc.constantFrom(
        'a',
        'B',
        '7',
        '~',
        '%41',
        '%7E',
        '%5c',
        '\\',
        '%00',
        '%7f',
        '%c3%a9',
        '#',
        '?',
        ' ',
        'é',
        '\u0000',
      ),
      fc.string({ maxLength: 2 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `/${parts.join('')}`);
/** The same without what is refused outright, so that most paths come through. */
const plausible = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', '/', 'a', 'p', '/../', '/..', '/.', '.', '%2e', '%2F', '%25', ';', '%3B', '%2e%2e', '..'),
      fc.constantFrom('%5C', '%5c', '%09', '%0D%0A', '%7F', '//'),
    ),
    { maxLength: 14 },
  )
  .map((parts) => `/p/${parts.join('')}`);
const anyPath = fc.oneof(nasty, plausible, fc.string());

/** What an upstream that decodes once and then resolves dot segments, without parameters and controls, makes of a path. */
function decodesOnce(path: string): string[] | 'outside' {
  const resolved: string[] = [];
  for (const segment of decodeURIComponentLoosely(path).split(/[/\\]/)) {
    // oxlint-disable-next-line no-control-regex -- controls are the point
    const name = segment.replaceAll(/[\0-\x1f\x7f]/g, '').split(';')[0];
    if (name === '..') {
      if (resolved.pop() === undefined) return 'outside';
    } else if (name !== '' && name !== '.') resolved.push(segment);
  }
  return resolved;
}

function decodeURIComponentLoosely(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

describe('normalizePath, properties', () => {
  prop.prop([anyPath], { numRuns: 3000 })('is idempotent, and what it returns is clean', (path) => {
    const normal = normalizePath(path);
    if (normal === undefined) return;
    expect(normalizePath(normal)).toBe(normal);
    expect(normal).toMatch(/^\/[\x21-\x7e]*$/);
    expect(normal).not.toMatch(/[#?\\]|\/\.{1,2}(?:\/|$)/);
    expect(mergeSlashes(normal)).not.toMatch(/\/\/|\/\.{1,2}(?:\/|$)/);
    for (const [, hex = ''] of normal.matchAll(/%(.?.?)/g)) {
      expect(hex).toMatch(/^[0-9A-F]{2}$|^25/i);
      const byte = Number.parseInt(hex, 16);
      expect(byte).toBeGreaterThan(0);
      expect(String.fromCharCode(byte)).not.toMatch(/[A-Za-z0-9._~-]/);
    }
  });

  // No names that start with a dot: Ada 2.9 (Node 20) then forgets a later segment, `/.x/./a` stays as it is.
  const segment = fc.constantFrom('a', 'b.c', '.', '..', 'x;y', '~', '');
  prop.prop([fc.array(segment, { minLength: 1, maxLength: 10 }), fc.boolean()], { numRuns: 2000 })(
    'resolves dot segments as WHATWG URL does, and refuses only what climbs',
    (segments, slash) => {
      const path = `/${segments.join('/')}${slash ? '/' : ''}`;
      let depth = 0;
      let lowest = 0;
      for (const name of segments) {
        if (name === '..') depth--;
        else if (name !== '.') depth++;
        lowest = Math.min(lowest, depth);
      }
      expect(normalizePath(path)).toBe(lowest < 0 ? undefined : new URL(`http://h${path}`).pathname);
    },
  );

  prop.prop([plausible], { numRuns: 5000 })(
    'stripping a prefix never lets an upstream resolve outside of it',
    (path) => {
      const normal = normalizePath(path);
      if (normal === undefined || !normal.startsWith('/p/')) return;
      expect(decodesOnce(normal.slice(2))).not.toBe('outside');
      // Nor does it leave the prefix when the prefix is kept.
      expect(decodesOnce(normal)[0]).toBe('p');
    },
  );
});

describe('isCleanQuery', () => {
  test.each(['', 'a=1&b=2', 'q=%', 'x=<">&y=\\', 'a?b', "~!$'()*+,;:@/[]{}|^`"])('takes %j', (query) => {
    expect(isCleanQuery(query)).toBe(true);
  });
  test.each(['a b', 'a#b', 'a\u0000', 'é', '\u007f', '\ufffd', 'a\r\n'])('refuses %j', (query) => {
    expect(isCleanQuery(query)).toBe(false);
  });
});

test.each([
  ['/export', '/export'],
  ['/export;v=1', '/export'],
  ['/export;', '/export'],
  ['/a;b=c/d;e/', '/a/d/'],
  ['/;a/b', '//b'],
  ['/a%3Bb/c', '/a/c'],
  ['/a%3Cb', '/a%3Cb'],
  ['/a%2Fb%5C', '/a/b/'],
  ['/a;b%2Fc', '/a/c'],
])('pathForRouting: %s is looked for as %s', (path, cut) => {
  expect(pathForRouting(path)).toBe(cut);
});
