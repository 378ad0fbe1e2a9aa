import * as z from 'zod';
import { isToken } from '../../http/field.ts';
import { classifyMethod } from '../../http/method.ts';
import { parseOriginPattern } from '../../http/origin.ts';
import { wholeNumber } from '../numbers.ts';
import { textLike } from '../parsed.ts';
import type { Parsed } from '../parsed.ts';
import { flag, listOf, section } from '../yaml-fields.ts';

/** Chrome keeps what a preflight said for two hours at most, Firefox for a day. */
const MAX_AGE = { min: 0, max: 86_400 };

const ORIGIN_PHRASE =
  'an origin such as https://app.example.com or https://*.example.com (no path, no slash at its end), or *';
function parseOrigin(text: string): Parsed<string> {
  const ok = text === '*' || parseOriginPattern(text) !== undefined;
  return ok ? { ok: true, value: text } : { ok: false, expected: ORIGIN_PHRASE };
}

const NAME_PHRASE = 'a header name, or *';
const parseName = (text: string): Parsed<string> =>
  isToken(text) ? { ok: true, value: text } : { ok: false, expected: NAME_PHRASE };

const METHOD_PHRASE = 'a method the gateway forwards, such as GET or POST, in upper case';
const parseMethod = (text: string): Parsed<string> =>
  classifyMethod(text) === 'forward' && text === text.toUpperCase() && text !== '*'
    ? { ok: true, value: text }
    : { ok: false, expected: METHOD_PHRASE };

const names = z.array(textLike(parseName, NAME_PHRASE), 'a list of header names');

export const corsSchema = section({
  origins: listOf(textLike(parseOrigin, ORIGIN_PHRASE), 'a list of one or more origins').describe(
    'Whose pages may use the route: https://app.example.com, https://*.example.com (one or more labels), or * alone.',
  ),
  methods: listOf(textLike(parseMethod, METHOD_PHRASE), 'a list of one or more methods')
    .optional()
    .describe(
      'What pages may ask with; default the methods of the route, else GET, HEAD, POST, PUT, PATCH and DELETE.',
    ),
  headers: names
    .optional()
    .describe(
      'Header fields that pages may send beside those that any may; * = any (not with credentials). Default none.',
    ),
  expose: names
    .optional()
    .describe(
      'Header fields of answers that pages may read beside those that any may; * = any (not with credentials).',
    ),
  credentials: flag
    .optional()
    .describe('Pages may send cookies and certificates; not with origins of *. Default false.'),
  max_age_seconds: wholeNumber(MAX_AGE)
    .optional()
    .describe('How long browsers remember the answer to a preflight; default 600.'),
});
