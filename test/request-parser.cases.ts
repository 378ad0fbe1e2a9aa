import { fc } from '@fast-check/vitest';

/** What a client sends on one connection (one char per byte), and where its reads end. */
export interface Case {
  text: string;
  cuts: number[];
}

type Text = fc.Arbitrary<string>;

const any = (texts: readonly string[]): Text => fc.constantFrom(...texts);

/** Nearly always the first: most messages should be sound, or have one fault. */
function mostly(common: string | Text, rare: readonly string[]): Text {
  return fc.oneof(
    { weight: 60, arbitrary: typeof common === 'string' ? fc.constant(common) : common },
    { weight: 1, arbitrary: any(rare) },
  );
}

const join = (...parts: Text[]): Text => fc.tuple(...parts).map((texts) => texts.join(''));
const chars = (alphabet: string): Text => any(alphabet.split(''));
const several = (line: Text, maxLength: number): Text => fc.array(line, { maxLength }).map((lines) => lines.join(''));

const eol = fc.oneof(
  { weight: 200, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: any(['\n', '\r', '\rx', 'x\n', '\r\r\n', '\n\r', '\r\n ', '', '\r\n\r\n']) },
);
const colon = mostly(any([': ', ': ', ':', ':\t ']), [' :', '\t:', '::', '']);
const blank = mostly('', [' ', '\t', ' \t ']);

const method = mostly(any(['GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'M-SEARCH', 'PROPFIND']), [
  'get',
  'X_CUSTOM',
  'GE T',
  '',
  'G\0T',
  'GETT',
  'PRI',
  '(GET',
]);
const pathByte = chars("abc019-_.~!$&'()*+,;=:@%/\\^|`{}");
const path = fc.string({ unit: pathByte, maxLength: 8 }).map((text) => `/${text}`);
const query = mostly(any(['', '', '?', '?a=b', '?a?b', '?a/b[]']), [
  '?#',
  '#a',
  '?\xe9',
  '?a b',
  '?\t',
  '?\x7f',
  '?\0',
]);
const target = mostly(join(path, query), [
  '*',
  '',
  'a',
  '/\xe9',
  '/\x80',
  '/\t',
  '/\x7f',
  'http://b.example/c?d',
  'http://b.example',
  'HTTPS://b.example:1?e',
  'http://u@b/',
  'http:///x',
  'ftp://b/',
  'b.example:443',
]);
const version = mostly('HTTP/1.1', [
  'HTTP/1.0',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1',
  'http/1.1',
  'HTTP/1.10',
  'ICE/1.0',
  '',
]);
const space = mostly(' ', ['  ', '\t', '', ' \t']);
const requestLine = join(method, space, target, space, version, eol);

const someName = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: chars("abcXYZ019-_!#$%&'*+.^`|~"), minLength: 1, maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: any([
      'Cookie',
      'X-Forwarded-For',
      'x-forwarded-proto',
      'X-Forwarded-Host',
      'X-Forwarded-Port',
      'X_Forwarded_For',
      'X-Real-IP',
      'CF-Connecting-IP',
      'X-Original-URL',
      'X-Request-Id',
      'Via',
      'TE',
      'Trailer',
      'Expect',
      'Forwarded',
      'HTTP2-Settings',
      'Proxy-Authorization',
      'Proxy-Connection',
      'Keep-Alive',
    ]),
  },
);
const name = mostly(someName, ['', ' X', 'X ', 'X\t', 'a b', '\xe9', 'a\0', '(', 'a"', '@', 'x[', 'x\xa0']);
const value = fc.oneof(
  { weight: 40, arbitrary: fc.string({ unit: chars('abc 019-=";,:/'), maxLength: 12 }) },
  { weight: 4, arbitrary: fc.string({ unit: chars('ab \t\xe9\xa0\x80\xff'), maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: chars('ab \t\t\xe9\xa0\xff\0\x01\x7f\x0b\r\n\x1b'), maxLength: 5 }) },
);
const ordinary = join(name, colon, value, blank, eol);
const connection = join(
  any(['Connection: ', 'connection:']),
  any(['close', 'keep-alive', 'Keep-Alive, X', 'x, close', ', ,', 'a,b,c', 'te', 'closed', 'cookie,host', 'X,Via']),
  eol,
);
const host = mostly('Host: a.example\r\n', [
  '',
  'Host:\r\n',
  'Host: a\r\nHost: a\r\n',
  'Host: a b\r\n',
  'Host: u@a\r\n',
  'host:a:80 \r\n',
  'Host: a:\r\n',
  'Host : a\r\n',
  'Host: \xe9\r\n',
]);

const framingLine = (field: string, values: Text): Text =>
  join(mostly(any([field, field.toLowerCase()]), [`${field} `, ` ${field}`]), colon, values, blank, eol);
function lengthLine(n: number): Text {
  const odd = [
    `+${n}`,
    `-${n}`,
    `${n},${n}`,
    `${n}, ${n}`,
    `0x${n}`,
    `${n}.0`,
    `0${n}`,
    '',
    ' ',
    `${n} ${n}`,
    `${n}\x0b`,
  ];
  const wrong = [`${n + 1}`, `${Math.max(0, n - 1)}`, '9007199254740993', '18446744073709551617', `${n};`];
  return framingLine('Content-Length', mostly(`${n}`, [...odd, ...wrong]));
}
const codingLine = framingLine(
  'Transfer-Encoding',
  mostly(any(['chunked', 'chunked', 'Chunked']), [
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'identity',
    '',
    'xchunked',
    'chunkedx',
    'chunked, chunked',
    'chunked,',
    '"chunked"',
    'chunked;a',
    'chun ked',
    '\x0bchunked',
    '\xa0chunked',
    'chunked\xa0',
  ]),
);

const data = (minLength: number): Text => fc.string({ unit: chars('abc\r\n0;:\0\xff '), minLength, maxLength: 20 });
const extension = mostly(any(['', '', '', '', ';a', ';a=b', ';a="b;c"']), [
  ';',
  ' ;a',
  ' ',
  '\t',
  ' x',
  ';a\0',
  ';a\n',
  ';a="\xe9"',
  ';a = b',
  ';=',
  ';a\r',
]);
function sizeOf(n: number): Text {
  const hex = n.toString(16);
  const odd = [`0x${hex}`, `+${hex}`, `-${hex}`, ` ${hex}`, '', 'g', ':', '20000000000000', '10000000000000000'];
  const wrong = [(n + 1).toString(16), Math.max(0, n - 1).toString(16), `00000000000000000000${hex}`];
  return mostly(any([hex, hex.toUpperCase(), `0${hex}`]), [...odd, ...wrong]);
}
const chunk = data(1).chain((bytes) => join(sizeOf(bytes.length), extension, eol, fc.constant(bytes), eol));
const trailer = fc.oneof(ordinary, any(['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'X: y\r\n']));
const trailers = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: several(trailer, 2) });
const chunks = join(several(chunk, 4), mostly('0', ['00', '', '0x0']), extension, eol, trailers, eol);

/** The lines that say how long the body is, and the body. */
const framed = fc.oneof(
  { weight: 12, arbitrary: fc.constant<[string, string]>(['', '']) },
  { weight: 12, arbitrary: data(0).chain((body) => fc.tuple(lengthLine(body.length), fc.constant(body))) },
  { weight: 14, arbitrary: fc.tuple(codingLine, chunks) },
  { weight: 1, arbitrary: fc.tuple(join(codingLine, lengthLine(5)), chunks) },
  { weight: 1, arbitrary: fc.tuple(join(lengthLine(5), lengthLine(5)), fc.constant('hello')) },
  { weight: 1, arbitrary: fc.tuple(join(codingLine, codingLine), chunks) },
);
const lines = (maxLength: number): Text =>
  several(fc.oneof({ weight: 5, arbitrary: ordinary }, { weight: 1, arbitrary: connection }), maxLength);
const before = mostly('', ['\r\n', '\r\n\r\n', '\n', '\r', ' ']);
const request = fc
  .tuple(before, requestLine, host, lines(3), framed, lines(2), eol)
  .map(([empty, start, host, first, [framing, body], second, end]) =>
    [empty, start, host, first, framing, second, end, body].join(''),
  );

type Mutate = (text: string, at: number) => string;
const oddBytes = any([
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '\x7f',
  '\x80',
  '\xff',
  'A',
  '"',
  '\x0b',
]);
const mutate: fc.Arbitrary<Mutate> = oddBytes.chain((bytes) =>
  fc.constantFrom<Mutate[]>(
    (text, at) => text.slice(0, at) + bytes + text.slice(at + 1),
    (text, at) => text.slice(0, at) + bytes + text.slice(at),
    (text, at) => text.slice(0, at) + text.slice(at + 1),
    (text, at) => text.slice(0, at),
    (text, at) => {
      const all = text.split('\r\n');
      const i = Math.min(text.slice(0, at).split('\r\n').length - 1, all.length - 1);
      return all.toSpliced(i, 0, all[i] ?? '').join('\r\n');
    },
  ),
);
const mutation = fc.tuple(mutate, fc.double({ min: 0, max: 0.999, noNaN: true }));

/** Up to three requests in a row: well-formed, nearly so, and broken at random; split at random. */
export const someCase: fc.Arbitrary<Case> = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 3 }),
    mutations: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
    ),
    cuts: fc.array(fc.nat(400), { maxLength: 4 }),
  })
  .map(({ requests, mutations, cuts }) => {
    let text = requests.join('');
    for (const [mutate, where] of mutations) text = mutate(text, Math.floor(where * text.length));
    return { text, cuts };
  });
