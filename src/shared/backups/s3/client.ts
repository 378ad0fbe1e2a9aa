import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { AwsV4Signer } from 'aws4fetch';
import { noAnswerTo, refusedBy, S3Failure } from './failure.ts';
import { textOf } from './xml.ts';

/** A bucket, where in it, and with whose key. */
export interface S3Place {
  /** Such as `https://s3.example.com`. */
  readonly origin: string;
  readonly bucket: string;
  /** In front of every name: '' or ends in `/`. */
  readonly prefix: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A piece of a local file. */
export interface FilePiece {
  readonly path: string;
  readonly start: number;
  readonly bytes: number;
  /** Lower-case hex; it is signed, so that the server refuses what arrives otherwise. */
  readonly sha256: string;
  /** Bytes of this piece that have been sent. */
  readonly onBytes?: ((done: number) => void) | undefined;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Of an object, without the prefix; `undefined` = the bucket itself. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: FilePiece | string;
  readonly signal: AbortSignal;
  /** Longest silence before its answer, and in it, instead of `SILENT_MS`. */
  readonly silentMs?: number;
}

const CONNECT_MS = 10_000;
/** Neither side has sent a byte for so long. */
const SILENT_MS = 60_000;
/** Bodies from here on wait for the server's word, so that a refusal can be read before they are sent (RFC 9110, 10.1.1). */
const ASK_FIRST_BYTES = 64 * 1024;
/** Some servers never give it. */
const WORD_WITHIN_MS = 1_000;
/** Of an answer that is text: a page of a list has a thousand names. */
const LONGEST_TEXT = 4 * 1024 * 1024;
const LONGEST_SAID = 200;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Speaks to one bucket: signs, sends, and tells what went wrong. Sends everything once. */
export class S3Client {
  readonly #place: S3Place;
  readonly #silentMs: number;

  constructor(place: S3Place, silentMs = SILENT_MS) {
    this.#place = place;
    this.#silentMs = silentMs;
  }

  /** The URL of the place, for people. */
  get where(): string {
    const { origin, bucket, prefix } = this.#place;
    return `${origin}/${bucket}/${prefix}`;
  }

  get prefix(): string {
    return this.#place.prefix;
  }

  /**
   * An answer whose status is 2xx, with its body to be read.
   * @throws {S3Failure}
   */
  async send(asked: S3Request): Promise<IncomingMessage> {
    const what = `${asked.method} of ${asked.name ?? 'the list'} at ${this.where}`;
    asked.signal.throwIfAborted();
    const incoming = await this.#exchange(asked, what);
    const status = incoming.statusCode ?? 0;
    if (status >= 200 && status <= 299) return incoming;
    const text = await bodyOf(incoming).catch(() => '');
    throw refusedBy({ status, code: textOf(text, 'Code'), said: this.#harmless(textOf(text, 'Message')) }, what);
  }

  /**
   * The same with its body as text. Some calls answer 200 at once and put the error of their work into the body.
   * @throws {S3Failure}
   */
  async text(asked: S3Request): Promise<string> {
    const what = `${asked.method} of ${asked.name ?? 'the list'} at ${this.where}`;
    const incoming = await this.send(asked);
    const text = await bodyOf(incoming).catch((error: unknown) => {
      asked.signal.throwIfAborted();
      throw noAnswerTo(what, error, true);
    });
    if (!/<Error[\s>]/.test(text)) return text;
    const said = this.#harmless(textOf(text, 'Message'));
    throw refusedBy({ status: incoming.statusCode ?? 0, code: textOf(text, 'Code'), said }, what);
  }

  async #exchange(asked: S3Request, what: string): Promise<IncomingMessage> {
    const { method, body, signal, silentMs = this.#silentMs } = asked;
    const { url, headers } = await this.#sign(asked);
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = send(url, { method, headers, agent: false, signal });
    let connected = false;
    const timer = setTimeout(() => outgoing.destroy(timedOut(`no connection in ${CONNECT_MS / 1000} s`)), CONNECT_MS);
    outgoing.once('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true;
        clearTimeout(timer);
      });
    });
    outgoing.setTimeout(silentMs, () => outgoing.destroy(timedOut(`silent for ${silentMs / 1000} s`)));
    try {
      const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
      answered.catch(() => undefined); // it is awaited below, or what failed first is told
      await Promise.race([answered, sendBody(outgoing, body)]);
      const [incoming] = await answered;
      return incoming;
    } catch (error) {
      outgoing.destroy();
      signal.throwIfAborted();
      throw noAnswerTo(what, error, connected);
    } finally {
      clearTimeout(timer);
    }
  }

  async #sign({ method, name, query = {}, body }: S3Request): Promise<{ url: URL; headers: Record<string, string> }> {
    const { origin, bucket, prefix, region, accessKeyId, secretAccessKey } = this.#place;
    const path = name === undefined ? '' : prefix + name;
    const url = new URL(`${origin}/${bucket}/${path.split('/').map(encodeURIComponent).join('/')}`);
    for (const [parameter, value] of Object.entries(query)) url.searchParams.set(parameter, value);
    const large = typeof body === 'object' && body.bytes >= ASK_FIRST_BYTES;
    const signer = new AwsV4Signer({
      url: url.href,
      method,
      service: 's3',
      region,
      accessKeyId,
      secretAccessKey,
      headers: { 'x-amz-content-sha256': await sha256Of(body) },
    });
    const signed = await signer.sign();
    const headers = Object.fromEntries(signed.headers as unknown as Iterable<[string, string]>);
    const length = typeof body === 'object' ? body.bytes : Buffer.byteLength(body ?? '');
    if (method === 'PUT' || method === 'POST') headers['content-length'] = String(length);
    if (large) headers['expect'] = '100-continue';
    return { url: signed.url, headers };
  }

  /** What the server says, on one short line, and never our key, whatever it repeats. */
  #harmless(said: string): string {
    const { accessKeyId, secretAccessKey } = this.#place;
    const line = said.replaceAll(secretAccessKey, '***').replaceAll(accessKeyId, '***').replace(/\s+/g, ' ');
    return line.length <= LONGEST_SAID ? line : `${line.slice(0, LONGEST_SAID)}…`;
  }
}

async function sha256Of(body: FilePiece | string | undefined): Promise<string> {
  if (typeof body === 'object') return body.sha256;
  if (body === undefined || body === '') return EMPTY_SHA256;
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(body))).toString('hex');
}

const timedOut = (message: string): Error => Object.assign(new Error(message), { code: 'ETIMEDOUT' });

/** Settles when all is handed to the system; never where the server answers before that. */
async function sendBody(outgoing: ClientRequest, body: FilePiece | string | undefined): Promise<void> {
  if (typeof body !== 'object') return void outgoing.end(body);
  if (outgoing.getHeader('expect') !== undefined) {
    outgoing.flushHeaders();
    await theWord(outgoing);
  }
  await pipeline(pieceOf(body), outgoing);
}

/** 100 Continue, or some time without it. */
function theWord(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, WORD_WITHIN_MS);
    outgoing.once('continue', () => {
      clearTimeout(timer);
      resolve();
    });
    // A final answer instead: the body is never wanted. Whoever waits for the answer has it.
    for (const end of ['response', 'error', 'close']) outgoing.once(end, () => clearTimeout(timer));
  });
}

async function* pieceOf({ path, start, bytes, onBytes }: FilePiece): AsyncGenerator<Buffer> {
  if (bytes === 0) return;
  let done = 0;
  for await (const chunk of createReadStream(path, { start, end: start + bytes - 1 }) as AsyncIterable<Buffer>) {
    done += chunk.length;
    yield chunk;
    onBytes?.(done);
  }
  if (done < bytes) throw new Error(`${path} became shorter while it was sent`);
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  incoming.setEncoding('utf8');
  let text = '';
  for await (const piece of incoming as AsyncIterable<string>) {
    text += piece;
    if (text.length > LONGEST_TEXT) throw new S3Failure('the answer is too long', NO_ANSWER);
  }
  return text;
}

const NO_ANSWER = { status: 0, code: '', passing: false, unclear: true } as const;
