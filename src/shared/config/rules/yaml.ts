import * as z from 'zod';
import { wholeNumber } from '../numbers.ts';
import { flag, section, withKey } from '../yaml-fields.ts';
import { corsSchema } from './cors-fields.ts';
import { ipSchema } from './ip-fields.ts';

const TEXT_PHRASE = 'a text (quotes make one of a number)';
const text = z.string(TEXT_PHRASE);
const NAMES_PHRASE = 'a mapping of names to texts';
const values = z.record(z.string(), text.describe('Its value.'), NAMES_PHRASE);

const match = section({
  headers: values
    .optional()
    .describe('Header fields by name, and their values, exactly; a field that comes more than once fits none.'),
  query: values
    .optional()
    .describe('Query parameters by name, and their values, exactly; one that comes more than once fits none.'),
});

const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
const REDIRECT_PHRASE = 'a status of a redirect: 301, 302, 303, 307 or 308';

const redirect = section({
  to: text
    .optional()
    .describe(
      'Where to: a URL such as https://new.example.com/docs, or a path; with $1 to $9 for the groups of pattern.',
    ),
  pattern: text
    .optional()
    .describe(
      'Regular expression: only requests whose path it fits are sent there, others get what else the route has.',
    ),
  scheme: z
    .literal('https', 'https')
    .optional()
    .describe('Instead of to: who came by http is sent to the same by https, others get what else the route has.'),
  port: wholeNumber({ min: 1, max: 65_535 }).optional().describe('With scheme: the port for https; default 443.'),
  status: z
    .int(REDIRECT_PHRASE)
    .refine((status) => REDIRECT_STATUSES.includes(status), REDIRECT_PHRASE)
    .optional()
    .describe('301 and 308 are for ever, 302, 303 and 307 for now; 307 and 308 keep the method. Default 307.'),
  keep_path: flag
    .optional()
    .describe('The path asked for follows behind to (without path, where strip_prefix takes it off); default false.'),
});

const respond = section({
  status: wholeNumber({ min: 200, max: 599 }).optional().describe('Default 200.'),
  text: text.optional().describe('The body, as text/plain.'),
  json: z
    .unknown()
    .optional()
    .describe('The body, instead: whatever stands here (mappings, lists, texts, numbers), as application/json.'),
  body: text.optional().describe('The body, instead: as it stands here, of the type that type says.'),
  type: text.optional().describe('Content-Type of the body; default that of text or json.'),
});

const rewrite = section({
  prefix: text.optional().describe('What the upstream gets in place of path (or exact): /v2 makes /v2/a of /api/a.'),
  pattern: text
    .optional()
    .describe('Regular expression, instead: the first part of the path that it fits becomes what to says.'),
  to: text.optional().describe('The path to forward, with $1 to $9 for the groups of pattern.'),
});

const VARIABLES = 'Values may have ${consumer}, ${request_id} and ${client_ip}; ';

const fieldRules = section({
  set: values
    .optional()
    .describe(`Fields that take the place of those of their names. ${VARIABLES}$\${ stands for \${.`),
  add: values.optional().describe('Fields that come beside those of their names.'),
  remove: z
    .array(text.describe('A name.'), 'a list of names')
    .optional()
    .describe('Names of fields that are taken away.'),
});

/** Where a route's requests end: it has one of these; a redirect of some of them only may stand beside. */
export const DESTINATIONS = ['upstream', 'split', 'redirect', 'respond'] as const;

const REDIRECT_OF_ALL = {
  type: 'object',
  properties: {
    redirect: {
      type: 'object',
      properties: { to: {}, status: {}, keep_path: {} },
      required: ['to'],
      additionalProperties: false,
    },
  },
  required: ['redirect'],
} as const;

/** The same for the JSON Schema. */
export const ONE_DESTINATION: z.core.GlobalMeta = {
  oneOf: [...['upstream', 'split', 'respond'].map(withKey), REDIRECT_OF_ALL],
};

/** The keys of a route that say what it does beside forwarding, and for which requests. */
export const ROUTE_RULE_FIELDS = {
  match: match
    .optional()
    .describe('What requests must have beside host, path and method. Routes with more conditions go first.'),
  redirect: redirect
    .optional()
    .describe('Send clients elsewhere, instead of an upstream; with pattern or scheme some of them, beside one.'),
  respond: respond.optional().describe('Answer so, instead of an upstream.'),
  ip: ipSchema.optional().describe('Which clients the route takes, by their addresses.'),
  cors: corsSchema
    .optional()
    .describe('Which pages of other origins may use the route (CORS); their preflights are answered by the gateway.'),
  rewrite: rewrite.optional().describe('The path that the upstream gets.'),
  request_headers: fieldRules.optional().describe('What becomes of header fields on the way to the upstream.'),
  response_headers: fieldRules
    .optional()
    .describe("What becomes of header fields on the way to the client, on the gateway's own answers too."),
} as const;
