import { request as requestPlain } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIPv4 } from 'node:net';
import type { LookupFunction } from 'node:net';
import type { NameCache } from '../../names/name-cache.ts';

/** For all of it, from looking up the name to the last byte. */
const TIMEOUT_MS = 5_000;
/** Key sets of large issuers have some ten thousand bytes. */
const MOST_BYTES = 262_144;

export type FetchedText =
  | { readonly ok: true; readonly text: string }
  /** For people: a code of the system, or what was wrong with the answer. */
  | { readonly ok: false; readonly why: string };

export interface FetchTextOptions {
  /** The front's: a DNS that does not answer holds no thread of libuv. */
  readonly names: Pick<NameCache, 'ask'>;
  /** Default 5 s. */
  readonly timeoutMs?: number;
}

/**
 * Gets a small document with GET. One connection for it alone; redirects are not followed, since who is trusted was
 * configured. Never rejects.
 */
export function fetchText(url: string, { names, timeoutMs = TIMEOUT_MS }: FetchTextOptions): Promise<FetchedText> {
  return new Promise((resolve) => {
    const end = (result: FetchedText): void => {
      clearTimeout(late);
      resolve(result);
      request.destroy();
    };
    const fail = (why: string): void => end({ ok: false, why });
    const send = url.startsWith('https:') ? requestSecure : requestPlain;
    const headers = { accept: 'application/jwk-set+json, application/json', 'user-agent': 'api-gateway' };
    const request = send(url, { agent: false, headers, lookup: lookupBy(names) }, (answer) => {
      if (answer.statusCode !== 200) return fail(`it answers ${answer.statusCode}`);
      return read(answer, end);
    });
    const late = setTimeout(() => fail(`no whole answer within ${timeoutMs / 1_000} s`), timeoutMs);
    request.on('error', (error) => fail(codeOf(error)));
    request.end();
  });
}

function read(answer: IncomingMessage, end: (result: FetchedText) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) end({ ok: false, why: `its answer has more than ${MOST_BYTES / 1_024} KiB` });
    else chunks.push(chunk);
  });
  answer.on('end', () => end({ ok: true, text: Buffer.concat(chunks).toString('utf8') }));
  answer.on('error', (error) => end({ ok: false, why: codeOf(error) }));
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message;

const lookupBy =
  (names: Pick<NameCache, 'ask'>): LookupFunction =>
  (name, options, callback) =>
    names.ask(name, (answer) => {
      if (answer.kind !== 'found') {
        return callback(Object.assign(new Error(`cannot look up ${name}`), { code: answer.code }), '', 4);
      }
      const found = answer.addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
      const [first] = found;
      return options.all === true ? callback(null, found) : callback(null, first?.address ?? '', first?.family ?? 4);
    });
