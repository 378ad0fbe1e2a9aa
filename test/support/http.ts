import { rawClient, rawUpstream } from './raw.ts';
import type { RawConnection, RawUpstream } from './raw.ts';

/** One HTTP/1.1 message as it was on the wire (latin1: one character a byte), with its body decoded. */
export interface Message {
  readonly startLine: string;
  /** Names as they were written, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Fields behind a chunked body, like `fields`. */
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** The message byte for byte. */
  readonly raw: string;
}

/** All values of a field, in order. @param name in lower case */
export const valuesOf = (message: Message, name: string): string[] =>
  message.fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);

/** The value of a field that must not be repeated; undefined where there is none. */
export function valueOf(message: Message, name: string): string | undefined {
  const values = valuesOf(message, name);
  if (values.length > 1) throw new Error(`${name} stands ${values.length} times in ${JSON.stringify(message.raw)}`);
  return values[0];
}

/** The status code of an answer. */
export const statusOf = (answer: Message): number => Number(answer.startLine.split(' ')[1]);

const fieldOf = (line: string): [string, string] => {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
};

type Body = Pick<Message, 'body' | 'trailers'> & { readonly length: number };

/** Reads chunks and what follows them from `text`; undefined while not all of it is there. */
function unchunk(text: string): Body | undefined {
  let body = '';
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (!Number.isInteger(size)) throw new Error(`no chunk size: ${JSON.stringify(text.slice(at, line))}`);
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', line);
      const trailers = text.slice(line + 2, end).split('\r\n');
      return end < 0 ? undefined : { body, trailers: end === line ? [] : trailers.map(fieldOf), length: end + 4 };
    }
    const end = line + 2 + size + 2;
    if (text.length < end) return undefined;
    if (text.slice(end - 2, end) !== '\r\n') throw new Error('a chunk does not end in CRLF');
    body += text.slice(line + 2, end - 2);
    at = end;
  }
}

/** The first message in `text`, or undefined while it is not whole. @param withoutBody an answer to HEAD */
export function takeMessage(text: string, withoutBody = false): Message | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const fields = lines.map(fieldOf);
  const value = (name: string): string | undefined => fields.find(([each]) => each.toLowerCase() === name)?.[1];
  const rest = text.slice(headEnd + 4);
  const bodyless = withoutBody || /^HTTP\/1.1 (1..|204|304) /.test(startLine);
  const found = bodyless ? plainBody('', 0) : bodyIn(rest, value);
  if (found === undefined) return undefined;
  const { body, trailers, length } = found;
  return { startLine, fields, body, trailers, raw: text.slice(0, headEnd + 4 + length) };
}

const plainBody = (rest: string, length: number): Body | undefined =>
  rest.length < length ? undefined : { body: rest.slice(0, length), trailers: [], length };

const bodyIn = (rest: string, value: (name: string) => string | undefined): Body | undefined =>
  value('transfer-encoding') === 'chunked' ? unchunk(rest) : plainBody(rest, Number(value('content-length') ?? 0));

/** A request as text; what follows the target and Host is up to the caller. */
export const requestText = (method: string, target: string, rest: readonly string[] = []): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: gateway.test', ...rest, '', ''].join('\r\n');

/** Resolves with the n-th message (from 0) the connection has received. */
export async function messageAt(
  connection: RawConnection,
  n: number,
  options: { readonly withoutBody?: boolean; readonly timeoutMs?: number } = {},
): Promise<Message> {
  const find = (text: string): Message | undefined => {
    let at = 0;
    for (let i = 0; ; i++) {
      const message = takeMessage(text.slice(at), options.withoutBody);
      if (message === undefined || i === n) return message;
      at += message.raw.length;
    }
  };
  await connection.when((text) => find(text) !== undefined, { name: `message ${n}`, ...options });
  const found = find(connection.received());
  if (found === undefined) throw new Error('unreachable');
  return found;
}

/** Sends one request on a connection of its own and resolves with the whole answer. */
export async function ask(port: number, request: string): Promise<Message> {
  using client = await rawClient(port);
  client.send(request);
  return await messageAt(client, 0, { withoutBody: request.startsWith('HEAD ') });
}

export interface RecordingUpstream extends RawUpstream {
  /** Every whole request that came, in order, over all connections. */
  readonly requests: Message[];
}

/** An answer as text, with its length counted. */
export const answerText = (body = '', fields: readonly string[] = [], status = '200 OK'): string =>
  [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`, '', body].join('\r\n');

/** A raw server that keeps every request byte for byte and answers it with whatever bytes the test wants (none: ''). */
export async function recordingUpstream(
  answer: (request: Message, connection: RawConnection) => string = () => answerText(),
): Promise<RecordingUpstream> {
  const requests: Message[] = [];
  const consumed = new WeakMap<RawConnection, number>();
  const upstream = await rawUpstream((connection) => {
    for (;;) {
      const at = consumed.get(connection) ?? 0;
      const request = takeMessage(connection.received().slice(at));
      if (request === undefined) return;
      consumed.set(connection, at + request.raw.length);
      requests.push(request);
      const text = answer(request, connection);
      if (text !== '') connection.send(text);
    }
  });
  return Object.assign(upstream, { requests });
}
