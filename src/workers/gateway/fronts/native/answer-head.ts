import { reasonPhrase } from '../../../../shared/http/problem.ts';
import type { AnsweredExchange } from '../../exchange/client-side.ts';
import type { LocalAnswer } from '../../exchange/local-answer.ts';
import { passedFields } from '../../exchange/passed-fields.ts';
import type { ResponseParser } from '../../upstream/response-parser.ts';

/** The time of day in the form of Date (RFC 9110, section 6.6.1), made once a second. */
export class DateLine {
  text = '';
  #second = -1;

  /** @param nowMs wall clock */
  update(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.text = `date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
}

/**
 * The head of an upstream's answer as the client gets it: its fields, and ours around them. One char a byte.
 *
 * @param ownLines date, framing and connection, each with its CRLF
 */
export function upstreamHead(exchange: AnsweredExchange, parser: ResponseParser, ownLines: string): string {
  const given = passedFields(exchange, parser);
  const fields = given === '' ? '' : `${given}\r\n`;
  // Via names the hops in the order the answer passed them (RFC 9110, section 7.6.3).
  return `HTTP/1.1 ${parser.statusLine}\r\nx-request-id: ${exchange.requestId}\r\n${exchange.extraFields}${exchange.ruleFields}${fields}via: 1.1 api-gateway\r\n${ownLines}\r\n`;
}

/** The head of an answer of the gateway's own; see upstreamHead. */
export function localHead(exchange: AnsweredExchange, answer: LocalAnswer, ownLines: string): string {
  const type = answer.type === '' ? '' : `content-type: ${answer.type}\r\n`;
  const allow = answer.allow === undefined ? '' : `allow: ${answer.allow}\r\n`;
  const retryAfter = answer.retryAfterSeconds === undefined ? '' : `retry-after: ${answer.retryAfterSeconds}\r\n`;
  return `HTTP/1.1 ${answer.status} ${reasonPhrase(answer.status)}\r\n${type}x-request-id: ${exchange.requestId}\r\n${exchange.extraFields}${exchange.ruleFields}${allow}${retryAfter}${ownLines}\r\n`;
}

const NOT_ASCII = /[\x80-\uffff]/;

/** Text as UTF-8, one char a byte. */
export const utf8AsLatin1 = (text: string): string =>
  NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
