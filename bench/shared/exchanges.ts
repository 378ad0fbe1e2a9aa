import type { FrontKind } from '../../src/shared/config/types.ts';
import { ask, expectBody } from './ask.ts';
import { LARGE_BODY, SMALL_BODY, sinkAnswer } from './bodies.ts';
import type { LoadRequest } from './load/plan.ts';
import type { LoadCase } from './load-case.ts';
import { rawAnswers } from './raw-answers.ts';
import type { Subject } from './subject.ts';

/** A request to the bench's upstream and the answer it must bring, byte for byte, through whatever is measured. */
export interface Exchange {
  /** What `--cases` calls it. */
  readonly name: string;
  readonly title: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Besides Host. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly requestBody: string | undefined;
  readonly responseBody: string;
  /** Requests on their way at once on each connection; default 1. */
  readonly pipelined?: number;
  /** A connection for each request. */
  readonly newConnections?: true;
  /** Clients come over TLS, so the subjects must have been started with a certificate. */
  readonly tls?: true;
  /** A gateway with this front cannot do it. */
  readonly notWith?: FrontKind;
}

const UPLOAD = 'u'.repeat(1024);

export const SMALL_GET: Exchange = {
  name: 'get',
  title: 'GET, 130-byte JSON',
  method: 'GET',
  path: '/ok',
  requestBody: undefined,
  responseBody: SMALL_BODY,
};

/** With Host 15 header fields, such as a browser sends when somebody follows a link. */
const BROWSER_FIELDS = {
  Connection: 'keep-alive',
  'Cache-Control': 'max-age=0',
  'sec-ch-ua': '"Chromium";v="130", "Not?A_Brand";v="99"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'Upgrade-Insecure-Requests': '1',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
  Referer: 'http://shop.example.com/catalogue/chairs?page=2',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
};

export const BROWSER_GET: Exchange = {
  ...SMALL_GET,
  name: 'browser',
  title: 'GET, 15 header fields as a browser sends',
  headers: BROWSER_FIELDS,
};

export const SMALL_POST: Exchange = {
  name: 'post',
  title: 'POST, 1 KB up, small answer',
  method: 'POST',
  path: '/sink',
  requestBody: UPLOAD,
  responseBody: sinkAnswer(UPLOAD.length),
};

export const LARGE_GET: Exchange = {
  name: '64k',
  title: 'GET, 64 KB answer',
  method: 'GET',
  path: '/bytes64k',
  requestBody: undefined,
  responseBody: LARGE_BODY,
};

export const PIPELINED_GET: Exchange = {
  ...SMALL_GET,
  name: 'pipelined',
  title: 'GET, clients pipeline 8',
  pipelined: 8,
  notWith: 'uws', // closes a connection with a second request before the first is answered
};

export const CLOSING_GET: Exchange = {
  ...SMALL_GET,
  name: 'close',
  title: 'GET, a connection for each request',
  headers: { Connection: 'close' },
  newConnections: true,
};

export const TLS_GET: Exchange = { ...SMALL_GET, name: 'tls', title: 'GET over TLS', tls: true };

/** Every exchange, by what `--cases` calls it. */
export const EXCHANGES: readonly Exchange[] = [
  SMALL_GET,
  BROWSER_GET,
  SMALL_POST,
  LARGE_GET,
  PIPELINED_GET,
  CLOSING_GET,
  TLS_GET,
];

export function loadRequestOf({
  name,
  method,
  requestBody,
  headers,
  pipelined,
  newConnections,
}: Exchange): LoadRequest {
  return {
    name,
    method,
    requestBody,
    ...(headers !== undefined && { headers }),
    ...(pipelined !== undefined && { pipelined }),
    ...(newConnections !== undefined && { newConnections }),
  };
}

/** A load case of this exchange alone, the answer of each subject checked first. */
export function exchangeCase(exchange: Exchange, subjects: readonly Subject[]): LoadCase {
  const { title, path, tls } = exchange;
  const verified = { title, path, request: loadRequestOf(exchange), subjects };
  const verify = (subject: Subject): Promise<void> => expectExchange(subject, exchange);
  return { ...verified, verify, ...(tls === true && { upstreamCannot: true }) };
}

/** @throws Error that says what differs */
async function expectExchange({ name, url }: Subject, exchange: Exchange): Promise<void> {
  try {
    expectBody(await ask(url + exchange.path, exchange), exchange.responseBody);
    if (exchange.pipelined !== undefined) await expectInOneWrite(url, exchange, exchange.pipelined);
  } catch (error) {
    throw new Error(`${name}, ${exchange.title}: ${String(error)}`, { cause: error });
  }
}

/** Every one of so many pipelined requests is answered with the same bytes. @throws Error that says what differs */
async function expectInOneWrite(url: string, exchange: Exchange, count: number): Promise<void> {
  const answers = await rawAnswers(url + exchange.path, loadRequestOf(exchange), count);
  for (const answer of answers) {
    const bodyAt = answer.indexOf('\r\n\r\n') + 4;
    expectBody(
      { status: Number(answer.slice(9, 12)), body: Buffer.from(answer.slice(bodyAt), 'latin1') },
      exchange.responseBody,
    );
  }
}
