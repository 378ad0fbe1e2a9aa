import type { ResponseParser } from '../upstream/response-parser.ts';
import type { AnsweredExchange } from './client-side.ts';
import { fieldsBesideOurs } from './fields-beside-ours.ts';

/** What of the fields of an upstream's answer goes on to the client; lines with CRLF between. */
export function passedFields(exchange: AnsweredExchange, parser: ResponseParser): string {
  const fields = parser.saysLimits ? fieldsBesideOurs(parser.fields, exchange.extraFields) : parser.fields;
  const filter = exchange.rules === undefined ? undefined : exchange.rules.answerFilter;
  return filter === undefined ? fields : filter.without(fields);
}

/** The same of its trailers; lines, each with its CRLF. */
export function passedTrailers(exchange: AnsweredExchange, parser: ResponseParser): string {
  const filter = exchange.rules === undefined ? undefined : exchange.rules.answerFilter;
  return filter === undefined ? parser.trailers : filter.without(parser.trailers);
}
