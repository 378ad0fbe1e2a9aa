import { rawClient, rawUpstream, type RawConnection, type RawUpstream } from './raw.ts';

/** One HTTP/1.1 message as it was on the wire (latin1: one character a byte), with its body decoded. */
export interface Message {
  readonly startLine: string;
  /** Names as they were written, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
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

/** Reads chunks from `text`; undefined while the last one is not there. */
function unchunk(text: string): { readonly body: string; readonly length: number } | undefined {
  let body = '';
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (!Number.isInteger(size)) throw new Error(`no chunk size: ${JSON.stringify(text.slice(at, line))}`);
    const end = line + 2 + size + 2;
    if (text.length < end) return undefined;
    if (text.slice(end - 2, end) !== '\r\n') throw new Error('a chunk does not end in CRLF');
    if (size === 0) return { body, length: end };
    body += text.slice(line + 2, end - 2);
    at = end;
  }
}

/** The first message in `text`, or undefined while it is not whole. @param withoutBody an answer to HEAD */
export function takeMessage(text: string, withoutBody = false): Message | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const value = (name: string): string | undefined => fields.find(([each]) => each.toLowerCase() === name)?.[1];
  const rest = text.slice(headEnd + 4);
  const bodyless = withoutBody || /^HTTP\/1.1 (1..|204|304) /.test(startLine);
  let body: string;
  let bodyLength: number;
  if (bodyless) {
    body = '';
    bodyLength = 0;
  } else if (value('transfer-encoding') === 'chunked') {
    const decoded = unchunk(rest);
    if (decoded === undefined) return undefined;
    body = decoded.body;
    bodyLength = decoded.length;
  } else {
    bodyLength = Number(value('content-length') ?? 0);
    if (rest.length < bodyLength) return undefined;
    body = rest.slice(0, bodyLength);
  }
  return { startLine, fields, body, raw: text.slice(0, headEnd + 4 + bodyLength) };
}

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
