import * as z from 'zod';
import { isAmbiguousName } from '../../http/ambiguous-name.ts';
import { FORWARD, requestFieldKind } from '../../http/request-field.ts';
import { BOUNDS, decimal, seconds } from '../numbers.ts';
import { textLike } from '../parsed.ts';
import type { Parsed } from '../parsed.ts';
import { oneOf } from '../parsers.ts';
import { listOf, section } from '../yaml-fields.ts';
import { QUESTION_PARTS } from './types.ts';
import type { OnAuthorizerFailure } from './types.ts';
import { AUTHORIZER_PATH_PHRASE, AUTHORIZER_URL_PHRASE, parseAuthorizerPath, parseAuthorizerUrl } from './url.ts';

/** What a route asks with where nobody says otherwise. */
export const AUTHORIZE_DEFAULTS = {
  forward: ['authorization', 'cookie'],
  timeout_seconds: 1,
  cache_seconds: 10,
  negative_cache_seconds: 1,
} as const;

const FIELD_PHRASE = 'the name of a field, of letters, digits and "-"';
const OWN_PHRASE = 'a field that the gateway neither sets itself nor keeps to one connection';

/** A field that passes the gateway as it is: framing, Host and X-Forwarded-* are its own to say. */
function parseFieldName(text: string): Parsed<string> {
  const name = text.toLowerCase();
  if (name === '' || name.length > 64 || isAmbiguousName(name)) return { ok: false, expected: FIELD_PHRASE };
  return requestFieldKind(name) === FORWARD ? { ok: true, value: name } : { ok: false, expected: OWN_PHRASE };
}

const fieldName = textLike(parseFieldName, FIELD_PHRASE);
const ON_FAILURE = ['closed', 'open'] as const satisfies readonly OnAuthorizerFailure[];

/** Whom a route asks; what needs several keys to judge is in checks.ts. */
export const authorizeSchema = section({
  url: textLike(parseAuthorizerUrl, AUTHORIZER_URL_PHRASE)
    .optional()
    .describe('What is asked, with GET: http or https URL. Routes that ask the same server share its connections.'),
  upstream: z
    .string('the name of an upstream')
    .optional()
    .describe('Name of the upstream that is asked, instead of url: for several targets, a ca_file or probes.'),
  path: textLike(parseAuthorizerPath, AUTHORIZER_PATH_PHRASE)
    .optional()
    .describe('What upstream is asked for, with a query if it has one; default /.'),
  forward: z
    .array(fieldName.describe('One field.'), 'a list of fields')
    .optional()
    .describe(`Fields of the request that it is told; default ${AUTHORIZE_DEFAULTS.forward.join(' and ')}.`),
  copy: z
    .array(fieldName.describe('One field.'), 'a list of fields')
    .optional()
    .describe('Fields of its answer that the upstream of the route is told; those of the client are dropped.'),
  timeout_seconds: seconds(BOUNDS.authorizeTimeout)
    .optional()
    .describe(`For one question; default ${AUTHORIZE_DEFAULTS.timeout_seconds}.`),
  cache_seconds: decimal(BOUNDS.authorizeCache)
    .optional()
    .describe(`How long a yes holds, 0 = for one request; default ${AUTHORIZE_DEFAULTS.cache_seconds}.`),
  negative_cache_seconds: decimal(BOUNDS.authorizeCache)
    .optional()
    .describe(`The same for a no; default ${AUTHORIZE_DEFAULTS.negative_cache_seconds}.`),
  cache_by: listOf(z.string('a field or a word').describe('One of them.'), 'a list of one or more')
    .optional()
    .describe(
      `An answer holds for requests that are equal in these: fields of forward, ${QUESTION_PARTS.join(', ')}. ` +
        'Default all that it was told.',
    ),
  on_failure: oneOf(ON_FAILURE)
    .optional()
    .describe('When it says nothing: closed answers 503, open lets pass. Default closed.'),
});

export type AuthorizeYaml = z.infer<typeof authorizeSchema>;
