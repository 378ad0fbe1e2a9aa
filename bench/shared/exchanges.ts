import { ask, expectBody } from './ask.ts';
import { LARGE_BODY, SMALL_BODY, sinkAnswer } from './bodies.ts';
import type { LoadCase } from './load-case.ts';
import type { Subject } from './subject.ts';

/** A request to the bench's upstream and the answer it must bring, byte for byte, through whatever is measured. */
export interface Exchange {
  readonly name: string;
  readonly title: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly requestBody: string | undefined;
  readonly responseBody: string;
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

export const SMALL_POST: Exchange = {
  name: 'post',
  title: 'POST, 1 KB up, small answer',
  method: 'POST',
  path: '/sink',
  requestBody: UPLOAD,
  responseBody: sinkAnswer(UPLOAD.length),
};

export const LARGE_GET: Exchange = {
  name: 'large',
  title: 'GET, 64 KB answer',
  method: 'GET',
  path: '/bytes64k',
  requestBody: undefined,
  responseBody: LARGE_BODY,
};

/** A load case of this exchange alone, the answer of each subject checked first. */
export function exchangeCase(exchange: Exchange, subjects: readonly Subject[]): LoadCase {
  const { title, path, name, method, requestBody } = exchange;
  const request = { name, method, requestBody };
  return { title, path, request, subjects, verify: (subject) => verify(subject, exchange) };
}

/** @throws Error that says what differs */
async function verify({ name, url }: Subject, exchange: Exchange): Promise<void> {
  try {
    expectBody(await ask(url + exchange.path, exchange), exchange.responseBody);
  } catch (error) {
    throw new Error(`${name}, ${exchange.title}: ${String(error)}`, { cause: error });
  }
}
