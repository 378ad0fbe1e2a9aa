/** Where our response parser and Node's (llhttp, strict) may disagree, each with its reason. Nothing else may differ. */

export interface Difference {
  /** The major version of Node whose parser reads it as ours does. */
  readonly goneInNode?: number;
  name: string;
  reason: string;
  kind: 'ours refuses' | 'node refuses' | 'bodies differ';
  /** Whether the bytes hold the oddity; only cases where it does are excused. */
  when: (message: Anatomy) => boolean;
  /** A GET answer that shows the difference, and the same without the oddity, which both must take. */
  example: string;
  repaired: string;
}

/** One answer, taken apart loosely; every string has one char per byte. */
export interface Anatomy {
  /** Line ends stand before one of its heads. */
  leading: boolean;
  /** 1xx heads, then the final one. */
  heads: Head[];
  final: Head;
  /** What follows the final head. */
  tail: string;
}

interface Head {
  start: string;
  /** All values of a field (name in lower case), as they stand behind the colon and at most one space. */
  values: (name: string) => string[];
}

export function takeApart(text: string): Anatomy {
  const heads: Head[] = [];
  let leading = false;
  let rest = text;
  for (;;) {
    const begin = /^[\r\n]*/.exec(rest)?.[0].length ?? 0;
    leading ||= begin > 0;
    const [head = ''] = rest.slice(begin).split('\r\n\r\n', 1);
    const [start = '', ...lines] = head.split('\r\n');
    const values = (name: string): string[] =>
      lines
        .filter((line) => line.toLowerCase().startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).replace(/^ /, ''));
    const final = { start, values };
    heads.push(final);
    rest = rest.slice(begin + head.length + 4);
    if (!/^HTTP\/1\.[01] 1(?!01)\d\d/.test(start) || rest === '') return { leading, heads, final, tail: rest };
  }
}

const isPlainChunked = (values: string[]): boolean =>
  values.length === 0 || (values.length === 1 && /^[ \t]*chunked[ \t]*$/i.test(values[0] ?? ''));
/** The framing lines of a chunked body; loose, as data may look like one. */
const sizeLines = (tail: string): string[] => tail.split('\r\n').filter((line) => /^[0-9a-f]+[ \t]*(;|$)/i.test(line));
const token = "[!#$%&'*+.^_`|~0-9a-z-]+";
const extensions = new RegExp(`^[0-9a-f]+(;${token}(=(${token}|"[^"\\\\]*"))?)*$`, 'i');

const OK = 'HTTP/1.1 200 OK\r\n';
const TWO = 'Content-Length: 2\r\n\r\nhi';
const CHUNKS = '2\r\nhi\r\n0\r\n\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const KNOWN: readonly Difference[] = [
  {
    name: 'line ends before the status line',
    reason: 'RFC 9112 2.2 lets a server skip them before a request; before an answer they are bytes nobody asked for.',
    kind: 'ours refuses',
    when: (m) => m.leading,
    example: `\r\n${OK}${TWO}`,
    repaired: OK + TWO,
  },
  {
    name: 'HTTP/0.9 and HTTP/2.0 in a status line',
    reason: 'Neither is written this way; the notes allow 1.0 and 1.1.',
    kind: 'ours refuses',
    when: (m) => m.heads.some((head) => /^HTTP\/(0\.9|2\.0) /.test(head.start)),
    example: `HTTP/2.0 200 OK\r\n${TWO}`,
    repaired: OK + TWO,
  },
  {
    name: 'codes below 100',
    reason: 'RFC 9110 15: invalid, and unlike those above 599 nobody has ever given them a meaning.',
    kind: 'ours refuses',
    when: (m) => m.heads.some((head) => /^HTTP\/\d\.\d 0\d\d/.test(head.start)),
    example: `HTTP/1.1 099 OK\r\n${TWO}`,
    repaired: `HTTP/1.1 999 OK\r\n${TWO}`,
  },
  {
    name: '101 without a request to upgrade',
    reason:
      'The bytes after it would be another protocol; Node takes it for an answer when nobody listens for upgrades.',
    kind: 'ours refuses',
    when: (m) => m.heads.some((head) => / 101( |$)/.test(head.start)),
    example: `HTTP/1.1 101 OK\r\nContent-Length: 0\r\n\r\n`,
    repaired: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
  },
  {
    name: 'white space before the reason',
    reason: 'RFC 9112 4 has one space there; a second one is where two readers of the line start to differ.',
    kind: 'ours refuses',
    when: (m) => m.heads.some((head) => /^HTTP\/1\.[01] \d{3} [ \t]/.test(head.start)),
    example: `HTTP/1.1 200  OK\r\n${TWO}`,
    repaired: OK + TWO,
  },
  {
    name: 'controls in the reason',
    reason: 'RFC 9112 4 allows HTAB only; llhttp takes all but CR and LF.',
    kind: 'ours refuses',
    // oxlint-disable-next-line no-control-regex -- the control characters are the point
    when: (m) => m.heads.some((head) => /^HTTP\/1\.[01] \d{3} .*[\0-\x08\x0b-\x1f\x7f]/.test(head.start)),
    example: `HTTP/1.1 200 O\0K\r\n${TWO}`,
    repaired: OK + TWO,
  },
  {
    name: 'transfer codings other than one chunked',
    reason: 'We ask for no other (no TE is sent but trailers); llhttp reads them up to the end of the connection.',
    kind: 'ours refuses',
    when: (m) => m.heads.some((head) => !isPlainChunked(head.values('transfer-encoding'))),
    example: `${OK}Transfer-Encoding: gzip\r\n\r\nhi`,
    repaired: `${CHUNKED}${CHUNKS}`,
  },
  {
    name: 'chunked in HTTP/1.0',
    reason: 'RFC 9112 6.1: the framing of such a message is faulty.',
    kind: 'ours refuses',
    when: (m) =>
      m.heads.some((head) => head.start.startsWith('HTTP/1.0 ') && head.values('transfer-encoding').length > 0),
    example: `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    repaired: CHUNKED + CHUNKS,
  },
  {
    name: 'chunk sizes of more than 16 digits',
    reason: 'A run of leading zeros has no bound in llhttp.',
    kind: 'ours refuses',
    when: (m) => sizeLines(m.tail).some((line) => /^0[0-9a-f]{16}/i.test(line)),
    example: `${CHUNKED}00000000000000002\r\nhi\r\n0\r\n\r\n`,
    repaired: `${CHUNKED}0000000000000002\r\nhi\r\n0\r\n\r\n`,
  },
  {
    name: 'lengths over 2^53 where there is no body',
    reason: 'We keep the number to pass it on, so it must be exact; llhttp counts to 2^64.',
    kind: 'ours refuses',
    when: (m) => m.heads.some((head) => head.values('content-length').some((v) => Number(v) > 2 ** 53 - 1)),
    example: `HTTP/1.1 304 OK\r\nContent-Length: 9007199254740993\r\n\r\n`,
    repaired: `HTTP/1.1 304 OK\r\nContent-Length: 9007199254740991\r\n\r\n`,
  },
  {
    name: 'a length that is there several times',
    reason: 'RFC 9110 8.6 lets it pass where all agree, and some servers repeat it; llhttp refuses each repetition.',
    kind: 'node refuses',
    when: (m) =>
      m.heads.some((head) => {
        const all = head.values('content-length').join(',').split(',');
        return all.length > 1 && new Set(all.map(Number)).size === 1;
      }),
    example: `${OK}Content-Length: 2\r\nContent-Length: 2, 2\r\n\r\nhi`,
    repaired: OK + TWO,
  },
  {
    name: 'Content-Length as a trailer field',
    reason: 'We drop trailers unread, so it changes nothing; llhttp reads it like a header field.',
    kind: 'node refuses',
    when: (m) => m.final.values('transfer-encoding').length > 0 && /\r\ncontent-length:/i.test(m.tail),
    example: `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`,
    repaired: `${CHUNKED}0\r\nContent_Length: 5\r\n\r\n`,
  },
  {
    name: 'a tab after a length',
    goneInNode: 24,
    reason: 'RFC 9110 5.6.3: white space after a value is SP or HTAB; llhttp knows only SP there.',
    kind: 'node refuses',
    when: (m) => m.heads.some((head) => head.values('content-length').some((value) => /\t[ \t]*$/.test(value))),
    example: `${OK}Content-Length: 2\t\r\n\r\nhi`,
    repaired: `${OK}Content-Length: 2 \r\n\r\nhi`,
  },
  {
    name: 'Connection: close in a 1xx head',
    reason: 'It means nothing there (the answer is still to come), but llhttp then refuses what follows.',
    kind: 'node refuses',
    when: (m) => m.heads.slice(0, -1).some((head) => head.values('connection').some((v) => /close/i.test(v))),
    example: `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${OK}${TWO}`,
    repaired: `HTTP/1.1 103 Early Hints\r\nConnection: x\r\n\r\n${OK}${TWO}`,
  },
  {
    name: 'the grammar of chunk extensions, and white space before them',
    reason: 'We skip them: bounded, no controls, but not parsed, as nothing is done with them (RFC 9112 7.1.1).',
    kind: 'node refuses',
    when: (m) => sizeLines(m.tail).some((line) => !extensions.test(line)),
    example: `${CHUNKED}2;\r\nhi\r\n0\r\n\r\n`,
    repaired: `${CHUNKED}2;a\r\nhi\r\n0\r\n\r\n`,
  },
  {
    name: 'a tab after chunked',
    reason: 'As with lengths; llhttp then does not see chunked, and takes the framing for the body.',
    kind: 'bodies differ',
    when: (m) => m.final.values('transfer-encoding').some((value) => /\t[ \t]*$/.test(value)),
    example: `${OK}Transfer-Encoding: chunked\t\r\n\r\n${CHUNKS}`,
    repaired: CHUNKED + CHUNKS,
  },
  {
    name: 'a tab after chunked, before what is not chunked',
    reason: 'The same; what llhttp takes for a body up to the end of the connection may be anything.',
    kind: 'ours refuses',
    when: (m) => m.final.values('transfer-encoding').some((value) => /\t[ \t]*$/.test(value)),
    example: `${OK}Transfer-Encoding: chunked\t\r\n\r\nhi`,
    repaired: CHUNKED + CHUNKS,
  },
];

const nodeMajor = Number(process.versions.node.split('.')[0]);

/** Those that the parser of the Node at hand has. */
export const DIFFERENCES = KNOWN.filter(({ goneInNode = Number.POSITIVE_INFINITY }) => nodeMajor < goneInNode);
