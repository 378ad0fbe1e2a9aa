import { randomBytes } from 'node:crypto';
import { monotonicMs } from '../../shared/clock.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { problemBody, reasonPhrase } from '../../shared/http/problem.ts';
import type { Log } from '../../shared/log.ts';
import { REFUSAL_CODES } from '../../shared/metrics/layout.ts';
import type { RefusalCode } from '../../shared/metrics/layout.ts';
import type { Handles, TcpHandle } from '../../shared/net/handles.ts';

/** What the front itself answers with. */
export type FrontRefusal = RefusalCode & ErrorCode;

/** At most this often a line about refusals, with how many there were. */
const LOG_EVERY_MS = 10_000;
/** After an answer the rest of the request is read and dropped, or its RST would take the answer along. */
const LINGER = { ms: 2_000, bytes: 65_536 };
/** Above it they are closed without an answer: answering must not cost more than serving. */
const MOST_LINGERING = 256;

/** Clients that the front itself turns away: counted, told why, and in the log from time to time. */
export class Refusals {
  readonly #counts = new Map<RefusalCode, number>();
  readonly #handles: Handles;
  readonly #secure: boolean;
  readonly #log: Log;
  readonly #unlogged = new Map<RefusalCode, number>();
  readonly #lingering = new Set<TcpHandle>();
  #loggedMs = -LOG_EVERY_MS;
  #logging: NodeJS.Timeout | undefined;

  /** @param opts.secure clients speak TLS, so no answer of ours can be read */
  constructor(opts: { readonly handles: Handles; readonly secure: boolean; readonly log: Log }) {
    this.#handles = opts.handles;
    this.#secure = opts.secure;
    this.#log = opts.log;
  }

  /** How often since the start. */
  count(code: RefusalCode): number {
    return this.#counts.get(code) ?? 0;
  }

  /** Answers and closes. */
  refuse(client: TcpHandle, code: FrontRefusal): void {
    this.counted(code);
    if (this.#secure || this.#lingering.size >= MOST_LINGERING) client.close();
    else this.#answer(client, code);
  }

  counted(code: RefusalCode): void {
    this.#counts.set(code, this.count(code) + 1);
    this.#unlogged.set(code, (this.#unlogged.get(code) ?? 0) + 1);
    if (this.#logging !== undefined) return;
    const waitMs = this.#loggedMs + LOG_EVERY_MS - monotonicMs();
    if (waitMs <= 0) return this.#logNow();
    this.#logging = setTimeout(() => this.#logNow(), waitMs);
    this.#logging.unref();
  }

  close(): void {
    clearTimeout(this.#logging);
    if (this.#unlogged.size > 0) this.#logNow();
    for (const client of this.#lingering) client.close();
    this.#lingering.clear();
  }

  #logNow(): void {
    this.#logging = undefined;
    this.#loggedMs = monotonicMs();
    const counts = Object.fromEntries(REFUSAL_CODES.flatMap((code) => this.#entry(code)));
    this.#unlogged.clear();
    this.#log.warn({ refused: counts }, 'client connections were refused');
  }

  #entry(code: RefusalCode): [RefusalCode, number][] {
    const count = this.#unlogged.get(code);
    return count === undefined ? [] : [[code, count]];
  }

  #answer(client: TcpHandle, code: FrontRefusal): void {
    const { WriteRequest, ShutdownRequest, streamState, READ_BYTES_OR_ERROR } = this.#handles;
    this.#lingering.add(client);
    const timer = setTimeout(() => close(), LINGER.ms);
    const close = (): void => {
      clearTimeout(timer);
      if (this.#lingering.delete(client)) client.close();
    };
    let left = LINGER.bytes;
    client.onread = () => {
      const length = streamState[READ_BYTES_OR_ERROR] ?? 0;
      left -= length;
      if (length < 0 || left < 0) close();
    };
    client.useUserBuffer(dropped);
    client.readStart();
    if (client.writeLatin1String(new WriteRequest(), answerOf(code)) < 0) return close();
    const request = new ShutdownRequest();
    request.oncomplete = () => {};
    if (client.shutdown(request) < 0) close();
  }
}

/** What is read after an answer goes here and is looked at by nobody. */
const dropped = Buffer.allocUnsafeSlow(16_384);

function answerOf(code: FrontRefusal): string {
  const requestId = randomBytes(8).toString('hex');
  const body = problemBody(code, { requestId });
  const { status, retryAfterSeconds } = ERRORS[code];
  const fields = [
    `HTTP/1.1 ${status} ${reasonPhrase(status)}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(retryAfterSeconds === undefined ? [] : [`Retry-After: ${retryAfterSeconds}`]),
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  return `${fields.join('\r\n')}\r\n\r\n${body}`;
}
