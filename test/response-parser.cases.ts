import { fc } from '@fast-check/vitest';

/** One answer as it goes over the wire (one char per byte), where its reads end, and what was asked. */
export interface Case {
  method: string;
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

function sometimes<T>(weight: number, usual: T, rare: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: rare });
}

const join = (...parts: Text[]): Text => fc.tuple(...parts).map((texts) => texts.join(''));
const chars = (alphabet: string): Text => any(alphabet.split(''));
const several = (line: Text, maxLength: number): Text => fc.array(line, { maxLength }).map((lines) => lines.join(''));

const eol = sometimes(
  200,
  '\r\n',
  fc.constantFrom('\n', '\r', '\rx', 'x\n', '\r\r\n', '\n\r', '\r\n ', '', '\r\n\r\n'),
);
const colon = mostly(any([': ', ': ', ':', ':\t ']), [' :', '\t:', '::', '']);
const blank = mostly('', [' ', '\t', ' \t ']);

const version = mostly('HTTP/1.1', [
  'HTTP/1.0',
  'HTTP/1.0',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
]);
const status = mostly(fc.constantFrom('200', '200', '404', '500', '301', '206', '304', '204', '205', '299'), [
  '101',
  '100',
  '199',
  '099',
  '600',
  '999',
  '20',
  '2000',
  '2x0',
  '+20',
]);
const reason = mostly(fc.constantFrom(' OK', ' OK', ' Not  Found', '', ' '), [
  '  OK',
  ' caf\xe9',
  ' a\tb',
  ' a\0b',
  '\tOK',
  ' OK ',
  ' \x7f',
]);
const statusLine = join(version, mostly(' ', ['  ', '\t', '']), status, reason, eol);

const someName = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: chars("abcXYZ019-_!#$%&'*+.^`|~"), minLength: 1, maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: any(['Date', 'Set-Cookie', 'ETag', 'Te', 'Trailer', 'Upgrade', 'Proxy-Connection', 'Keep-Alive', 'X']),
  },
);
const name = mostly(someName, ['', ' X', 'X ', 'X\t', 'a b', '\xe9', 'a\0', '(', 'a"', '@', 'x[', 'x\xa0']);
const plainValue = fc.string({ unit: chars('abc 019-=";,:/'), maxLength: 12 });
const oddValue = fc.string({ unit: chars('ab \t\t\xe9\xa0\x80\xff\0\x01\x7f\x0b\r\n\x1b'), maxLength: 5 });
const value = fc.oneof(
  { weight: 40, arbitrary: plainValue },
  { weight: 4, arbitrary: fc.string({ unit: chars('ab \t\xe9\xa0\x80\xff'), maxLength: 6 }) },
  { weight: 1, arbitrary: oddValue },
);
const ordinary = join(name, colon, value, blank, eol);
const connection = join(
  fc.constantFrom('Connection: ', 'connection:'),
  fc.constantFrom(
    'close',
    'keep-alive',
    'Keep-Alive, X',
    'x, close',
    ', ,',
    'a,b,c',
    'te',
    'closed',
    'date,set-cookie',
  ),
  eol,
);

function framingLine(field: string, values: Text): Text {
  return join(mostly(any([field, field.toLowerCase()]), [`${field} `, ` ${field}`]), colon, values, blank, eol);
}
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
  return framingLine('Content-Length', sometimes(10, `${n}`, fc.constantFrom(...odd, ...wrong)));
}
const codings = ['gzip', 'gzip, chunked', 'chunked, gzip', 'identity', '', 'xchunked', 'chunkedx', 'chunked, chunked'];
const codingLine = framingLine(
  'Transfer-Encoding',
  mostly(fc.constantFrom('chunked', 'chunked', 'Chunked'), [
    ...codings,
    'chunked,',
    '"chunked"',
    'chunked;a',
    'chun ked',
    '\x0bchunked',
    'chunked\xa0',
  ]),
);

const data = (minLength: number): Text => fc.string({ unit: chars('abc\r\n0;:\0\xff '), minLength, maxLength: 20 });
const extension = mostly(fc.constantFrom('', '', '', '', ';a', ';a=b', ';a="b;c"'), [
  ';',
  ' ;a',
  ';a\0',
  ';a\n',
  ' ',
  '\t',
  ';a="\xe9"',
  ';a = b',
  ';=',
  ';a\r',
]);
function sizeOf(n: number): Text {
  const hex = n.toString(16);
  const odd = [`0x${hex}`, `+${hex}`, `-${hex}`, ` ${hex}`, '', 'g', '20000000000000', '10000000000000000'];
  const wrong = [(n + 1).toString(16), Math.max(0, n - 1).toString(16), `00000000000000000000${hex}`];
  return mostly(fc.constantFrom(hex, hex.toUpperCase(), `0${hex}`), [...odd, ...wrong]);
}
const chunk = data(1).chain((bytes) => join(sizeOf(bytes.length), extension, eol, fc.constant(bytes), eol));
const trailer = fc.oneof(
  ordinary,
  fc.constantFrom('Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'X: y\r\n'),
);
const trailers = sometimes(4, '', several(trailer, 2));
const chunks = join(several(chunk, 4), mostly('0', ['00', '', '0x0']), extension, eol, trailers, eol);

/** The lines that say how long the body is, and the body. */
const framed = fc.oneof(
  { weight: 12, arbitrary: data(0).chain((body) => fc.tuple(lengthLine(body.length), fc.constant(body))) },
  { weight: 14, arbitrary: fc.tuple(codingLine, chunks) },
  { weight: 2, arbitrary: fc.tuple(fc.constant(''), data(0)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.oneof(join(codingLine, lengthLine(5)), join(lengthLine(5), codingLine)), chunks),
  },
  { weight: 1, arbitrary: fc.tuple(join(lengthLine(5), lengthLine(5)), fc.constant('hello')) },
  { weight: 1, arbitrary: fc.tuple(join(codingLine, codingLine), chunks) },
);
const lines = (maxLength: number): Text =>
  several(fc.oneof({ weight: 5, arbitrary: ordinary }, { weight: 1, arbitrary: connection }), maxLength);
const message = fc
  .tuple(statusLine, lines(3), framed, lines(3), eol)
  .map(([start, before, [framing, body], after, end]) => start + before + framing + after + end + body);
const informational = join(
  fc.constantFrom('HTTP/1.1 100 Continue\r\n', 'HTTP/1.1 103 Early Hints\r\n', 'HTTP/1.1 102\r\n'),
  several(ordinary, 1),
  sometimes(4, '', fc.constantFrom('Content-Length: 3\r\n', 'Connection: close\r\n', 'Connection: x\r\n')),
  eol,
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
  '\r\n\r\n',
  '\r\n ',
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

/** Answers well-formed, nearly so, and broken at random, split at random. */
export const someCase: fc.Arbitrary<Case> = fc
  .record({
    method: mostly('GET', ['HEAD', 'HEAD', 'HEAD', 'HEAD', 'HEAD', 'HEAD']),
    before: sometimes(6, '', several(informational, 2)),
    message,
    after: mostly('', ['\r\n', 'x', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']),
    mutations: sometimes(3, [], fc.array(mutation, { minLength: 1, maxLength: 2 })),
    cuts: fc.array(fc.nat(300), { maxLength: 4 }),
  })
  .map(({ method, before, message, after, mutations, cuts }) => {
    let text = before + message + after;
    for (const [mutate, where] of mutations) text = mutate(text, Math.floor(where * text.length));
    return { method, text, cuts };
  });
