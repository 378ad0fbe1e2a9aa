import { METHODS } from 'node:http';

/** Where our request parser and Node's (llhttp, strict) may disagree, each with its reason. Nothing else may differ. */

export interface Difference {
  name: string;
  reason: string;
  kind: 'ours refuses' | 'node refuses' | 'requests differ';
  /** The major version of Node whose parser reads it as ours does. */
  readonly goneInNode?: number;
  /** Whether the bytes hold the oddity; only cases where they do are excused. `methods`: of the requests we read. */
  when: (text: string, methods: readonly string[]) => boolean;
  /** A request that shows the difference, and the same without the oddity, which both must take. */
  example: string;
  repaired: string;
}

/** Lines of a text, one char per byte; loose, as data may look like one. */
const linesOf = (text: string): string[] => text.split('\r\n');
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const requestLine = new RegExp(`(${token}) ([^ \\r\\n]+) HTTP/(\\d\\.\\d)$`);
/** All values of a field (name in lower case), as they stand behind the colon and at most one space. */
const valuesOf = (text: string, name: string): string[] =>
  linesOf(text)
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 1).replace(/^ /, ''));
/** Request lines, with the Host fields of their heads. */
const startsOf = (text: string): { method: string; target: string; version: string; hosts: string[] }[] =>
  linesOf(text).flatMap((line, i, lines) => {
    const [, method = '', target = '', version = ''] = requestLine.exec(line) ?? [];
    const [head = ''] = lines.slice(i).join('\r\n').split('\r\n\r\n', 1);
    return method === '' ? [] : [{ method, target, version, hosts: valuesOf(head, 'host') }];
  });
/** What follows each body of a declared length. */
const behindBodies = (text: string): string[] =>
  [...text.matchAll(/content-length:[ \t]*(\d+)[ \t]*\r\n(?:[^\r\n]+\r\n)*\r\n/gi)].map((found) =>
    text.slice(found.index + found[0].length + Number(found[1])),
  );
const sizeLines = (text: string): string[] => linesOf(text).filter((line) => /^[0-9a-f]+([; \t]|$)/i.test(line));
const extensions = new RegExp(`^[0-9a-f]+(;${token}(=(${token}|"[^"\\\\]*"))?)*$`, 'i');

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNKS = '2\r\nhi\r\n0\r\n\r\n';

const KNOWN: readonly Difference[] = [
  {
    name: 'methods that llhttp does not know',
    reason: 'Any token is a method (RFC 9110 9.1, 16.1); the upstream says whether it has it.',
    kind: 'node refuses',
    when: (_text, methods) => methods.some((method) => !METHODS.includes(method)),
    example: GET.replace('GET', 'X_CUSTOM'),
    repaired: GET,
  },
  {
    name: 'HTTP/1.2 and higher',
    reason: 'RFC 9110 2.5: a recipient takes a higher minor version as the highest it knows.',
    kind: 'node refuses',
    when: (text) => startsOf(text).some(({ version }) => /^1\.[2-9]$/.test(version)),
    example: GET.replace('1.1', '1.2'),
    repaired: GET,
  },
  {
    name: 'HTTP/0.9 and HTTP/2.0 in a request line',
    reason: 'Neither is written this way; 505.',
    kind: 'ours refuses',
    when: (text) => startsOf(text).some(({ version }) => version === '0.9' || version === '2.0'),
    example: GET.replace('1.1', '2.0'),
    repaired: GET,
  },
  {
    name: 'more than one space in a request line',
    reason: 'RFC 9112 3 has one; where two readers split the line differently, they see different targets.',
    kind: 'ours refuses',
    when: (text) => linesOf(text).some((line) => /[A-Z-]+ +[^ ]+ +HTTP\/\d\.\d$/.test(line) && line.includes('  ')),
    example: GET.replace(' /x', '  /x'),
    repaired: GET,
  },
  {
    name: 'a request line without a version',
    reason: 'That is HTTP/0.9, which has no header fields; nobody sends it.',
    kind: 'ours refuses',
    when: (text) => text.split(/\r?\n/).some((line) => /[A-Z] +[/*a-z][^ ]* *$/.test(line)),
    example: GET.replace(' HTTP/1.1', ''),
    repaired: GET,
  },
  {
    name: 'Host missing, repeated or malformed',
    reason: 'RFC 9112 3.2: 400. Node looks only whether it is there (and that is switched off here).',
    kind: 'ours refuses',
    when: (text) =>
      startsOf(text).some(({ version, hosts }) => {
        const isThere = hosts.length === 1 || (hosts.length === 0 && version === '1.0');
        return !isThere || hosts.some((host) => !/^[ \t]*[\w.]+(:\d*)?[ \t]*$/.test(host));
      }),
    example: GET.replace('Host: a', 'Host: a b'),
    repaired: GET,
  },
  {
    name: 'targets that are no origin-form, absolute-form of http, or * of OPTIONS',
    reason: 'RFC 9112 3.2; Node leaves the target to whoever asks for it.',
    kind: 'ours refuses',
    when: (text) =>
      startsOf(text).some(
        ({ method, target }) =>
          target.includes('#') ||
          !(
            target.startsWith('/') ||
            /^https?:\/\/[\w.:]+([/?]|$)/i.test(target) ||
            (target === '*' && method === 'OPTIONS')
          ),
      ),
    example: GET.replace('/x', '*'),
    repaired: GET,
  },
  {
    name: 'transfer codings before chunked',
    reason: 'The gateway decodes chunked and nothing else, so it cannot pass them on.',
    kind: 'ours refuses',
    when: (text) => valuesOf(text, 'transfer-encoding').some((value) => !/^[ \t]*chunked *$/i.test(value)),
    example: CHUNKED.replace('chunked', 'gzip, chunked') + CHUNKS,
    repaired: CHUNKED + CHUNKS,
  },
  {
    name: 'chunked in HTTP/1.0',
    reason: 'RFC 9112 6.1: the framing of such a message is faulty.',
    kind: 'ours refuses',
    when: (text) =>
      startsOf(text).some(({ version }) => version === '1.0') && valuesOf(text, 'transfer-encoding').length > 0,
    example: CHUNKED.replace('1.1', '1.0') + CHUNKS,
    repaired: CHUNKED + CHUNKS,
  },
  {
    name: 'chunk sizes of more than 16 digits',
    reason: 'A run of leading zeros has no bound in llhttp.',
    kind: 'ours refuses',
    when: (text) => sizeLines(text).some((line) => /^0[0-9a-f]{16}/i.test(line)),
    example: `${CHUNKED}00000000000000002\r\nhi\r\n0\r\n\r\n`,
    repaired: `${CHUNKED}0000000000000002\r\nhi\r\n0\r\n\r\n`,
  },
  {
    name: 'the grammar of chunk extensions',
    reason: 'They are skipped: bounded, no controls, but not parsed, as nothing is done with them.',
    kind: 'node refuses',
    when: (text) => sizeLines(text).some((line) => !extensions.test(line)),
    example: `${CHUNKED}2 ;x\r\nhi\r\n0\r\n\r\n`,
    repaired: `${CHUNKED}2;x\r\nhi\r\n0\r\n\r\n`,
  },
  {
    name: 'Content-Length and Transfer-Encoding as trailer fields',
    reason: 'They are dropped, so they change nothing; llhttp reads them like header fields.',
    kind: 'node refuses',
    when: (text) => /\r\n0+(?:;[^\r]*)?\r\n(?:[^\r]+\r\n)*(?:content-length|transfer-encoding):/i.test(text),
    example: `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`,
    repaired: `${CHUNKED}0\r\nContent_Length: 5\r\n\r\n`,
  },
  {
    name: 'a tab after a length',
    goneInNode: 24,
    reason: 'RFC 9110 5.6.3: white space after a value is SP or HTAB; llhttp knows only SP there.',
    kind: 'node refuses',
    when: (text) => valuesOf(text, 'content-length').some((value) => /\t[ \t]*$/.test(value)),
    example: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\t\r\n\r\nhi',
    repaired: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2 \r\n\r\nhi',
  },
  {
    name: 'a tab after chunked',
    reason: 'As with lengths; llhttp then does not see chunked.',
    kind: 'node refuses',
    when: (text) => valuesOf(text, 'transfer-encoding').some((value) => /\t[ \t]*$/.test(value)),
    example: CHUNKED.replace('chunked', 'chunked\t') + CHUNKS,
    repaired: CHUNKED + CHUNKS,
  },
  {
    name: 'bare CR and LF before a request line',
    reason: 'RFC 9112 2.2 lets empty lines be skipped, and a line ends in CRLF; at most four of them.',
    kind: 'ours refuses',
    when: (text) =>
      /(?:\r(?!\n)|(?<!\r)\n)[\r\n]*(?:[A-Z-]+ |$)/.test(text) ||
      behindBodies(text).some((rest) => /^(?:\r\n)*(?:\n|\r(?!\n))/.test(rest)),
    example: `\n${GET}`,
    repaired: `\r\n${GET}`,
  },
];

const nodeMajor = Number(process.versions.node.split('.')[0]);

/** Those that the parser of the Node at hand has. */
export const DIFFERENCES = KNOWN.filter(({ goneInNode = Number.POSITIVE_INFINITY }) => nodeMajor < goneInNode);
