import * as z from 'zod';
import { parseRouteHost, parseServerName } from './addresses.ts';
import { BOUNDS, seconds, wholeNumber } from './numbers.ts';
import { textLike } from './parsed.ts';
import { parseExactPath, parsePrefixPath } from './routes/path.ts';
import { authorizeSchema } from './authorize/yaml.ts';
import { breakerSchema } from './breaker/yaml.ts';
import { exactlyOne, flag, listOf, section } from './yaml-fields.ts';
import { healthSchema } from './health/yaml.ts';
import { mirrorSchema } from './mirror/yaml.ts';
import { splitSchema } from './split/yaml.ts';
import { concurrencySchema, prioritySchema } from './overload/yaml.ts';
import { retriesSchema, retryBudgetSchema } from './retries/yaml.ts';
import { balanceSchema, ejectionSchema, resolveMode, slowStart, targetSchema, targetUrl } from './targets/yaml.ts';
import { IDENTITY_SECTIONS, ROUTE_IDENTITY_FIELDS } from './identity/yaml.ts';
import { ROUTE_WEBSOCKET_FIELDS } from './websocket/yaml.ts';
import { ROUTE_LIMIT_FIELDS } from './limits/yaml.ts';
import { ONE_DESTINATION, ROUTE_RULE_FIELDS } from './rules/yaml.ts';

/**
 * The file that GATEWAY_CONFIG names. Messages complete "expected …" (parsed.ts); every field has a description,
 * which editors show. What needs two places to judge is in yaml-checks.ts.
 */

/** CONNECT and TRACE are never forwarded. */
const METHODS = (
  'GET HEAD POST PUT PATCH DELETE OPTIONS QUERY ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR ' +
  'MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE'
).split(' ');
const METHOD_PHRASE = 'a method the gateway forwards, such as GET or POST, in upper case';

export const NAME_PHRASE =
  'a name of letters, digits, ".", "_" and "-", at most 64, that starts with a letter or digit';
const name = z.string(NAME_PHRASE).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, NAME_PHRASE);

const timeouts = section({
  connect_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe('TCP and TLS handshake with a target; default CONNECT_TIMEOUT_SECONDS.'),
  response_headers_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe(
      "From the request being sent whole to the end of the answer's header; default RESPONSE_HEADERS_TIMEOUT_SECONDS.",
    ),
  body_idle_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe('Longest silence inside a body, either way; default BODY_IDLE_TIMEOUT_SECONDS.'),
  upload_seconds: seconds(BOUNDS.secondsOrNone)
    .optional()
    .describe('A request body, to its last byte, 0 = no limit; default UPLOAD_TIMEOUT_SECONDS.'),
  total_seconds: seconds(BOUNDS.secondsOrNone)
    .optional()
    .describe('The whole exchange, 0 = no limit; default TOTAL_TIMEOUT_SECONDS.'),
});

const upstreamTls = section({
  ca_file: z
    .string('a file name')
    .min(1, 'a file name')
    .optional()
    .describe("PEM file of certificates to trust instead of the system's; relative to this file."),
  server_name: textLike(parseServerName, 'a host name')
    .optional()
    .describe("Name to ask for (SNI) and to find in the certificate; default the target's host."),
  verify: flag.optional().describe('Check the certificate of targets; default true. Only turn it off for tests.'),
});

export const upstreamSchema = section({
  url: targetUrl.optional().describe('The one target: http or https URL, whose path is put before forwarded paths.'),
  targets: listOf(targetSchema, 'a list of one or more URLs')
    .optional()
    .describe('Several targets, instead of url: URLs, or mappings with url and weight.'),
  connections: wholeNumber(BOUNDS.connections)
    .optional()
    .describe('Connections per target and request thread; default UPSTREAM_CONNECTIONS.'),
  queue: wholeNumber(BOUNDS.queue)
    .optional()
    .describe('Requests that may wait for a connection, per thread; above it 503. Default UPSTREAM_QUEUE.'),
  idle_timeout_seconds: seconds(BOUNDS.seconds)
    .optional()
    .describe(
      'An idle connection is closed after this; keep it below what the upstream waits. Default UPSTREAM_IDLE_TIMEOUT_SECONDS.',
    ),
  pipelining: wholeNumber(BOUNDS.pipelining)
    .optional()
    .describe(
      'Requests without a body (GET, HEAD, OPTIONS) that may be outstanding on one connection. More than 1 only for ' +
        'upstreams one trusts to answer in order. Default UPSTREAM_PIPELINING.',
    ),
  max_age_seconds: seconds(BOUNDS.secondsOrNone)
    .optional()
    .describe(
      'A connection carries no further request after this, so that changes of the address are followed; 0 = no limit. ' +
        'Default UPSTREAM_MAX_AGE_SECONDS.',
    ),
  max_header_bytes: wholeNumber(BOUNDS.headerBytes)
    .optional()
    .describe('Most bytes of the header of an answer; default UPSTREAM_MAX_HEADER_BYTES.'),
  tls: upstreamTls.optional().describe('How https targets are reached.'),
  circuit_breaker: breakerSchema.optional().describe('When the upstream is no longer called.'),
  health: healthSchema.optional().describe('How its targets are probed; absent: they are not.'),
  eject: ejectionSchema.optional().describe('When one of its targets gets no requests for a while.'),
  slow_start_seconds: slowStart,
  resolve: resolveMode,
  balance: balanceSchema.optional().describe('Which of its targets a request goes to.'),
  concurrency: concurrencySchema
    .optional()
    .describe('How many requests may be under way there; default UPSTREAM_CONCURRENCY.'),
  retry_budget: retryBudgetSchema.optional().describe('How many requests are sent to it once more, at most.'),
}).meta(exactlyOne('url', 'targets'));

export const routeSchema = section({
  name: name.optional().describe('Unique; the label in metrics and logs. Default made from the path: /a/b is a-b.'),
  path: textLike(parsePrefixPath, 'a path that starts with /')
    .optional()
    .describe('This path and everything below it, on segment boundaries: /a matches /a and /a/b, not /ab.'),
  exact: textLike(parseExactPath, 'a path that starts with /').optional().describe('Only this path, instead of path.'),
  methods: listOf(z.enum(METHODS, { error: METHOD_PHRASE }), 'a list of one or more methods')
    .optional()
    .describe('Methods the route takes, HEAD with GET; default every method the gateway forwards.'),
  ignore_case: flag
    .optional()
    .describe('Take the path in upper and lower case, for upstreams that do not tell them apart; default false.'),
  ignore_trailing_slash: flag
    .optional()
    .describe('Take an exact path with and without a slash at its end; default false. (A path takes both anyway.)'),
  host: textLike(parseRouteHost, 'a host name')
    .optional()
    .describe('Host the route answers to, without port; *.example.com is one or more labels. Default any.'),
  upstream: z
    .string('the name of an upstream')
    .optional()
    .describe('Name of the upstream that requests go to; every route has one, split, redirect or respond.'),
  split: splitSchema.optional().describe('Several upstreams instead, with the shares of clients that each gets.'),
  strip_prefix: flag.optional().describe('Take path off the front of what is forwarded; default false.'),
  preserve_host: flag.optional().describe("Send the client's Host instead of the target's; default false."),
  timeouts: timeouts.optional().describe('Time limits of this route.'),
  mirror: mirrorSchema.optional().describe('Copies of some of its requests, whose answers nobody waits for.'),
  retries: retriesSchema.optional().describe('When a request that has failed is sent once more.'),
  priority: prioritySchema
    .optional()
    .describe(
      'What is served first, and refused last, when more comes than can be served; default what the profile says, else normal.',
    ),
  max_query_bytes: wholeNumber(BOUNDS.queryBytes)
    .optional()
    .describe('Longest query, without the ?; above it 414. Default MAX_QUERY_BYTES.'),
  max_response_bytes: wholeNumber(BOUNDS.bodyBytes)
    .optional()
    .describe("Largest body of the upstream's answer, 0 = no limit; default MAX_RESPONSE_BYTES."),
  max_body_bytes: wholeNumber(BOUNDS.bodyBytes)
    .optional()
    .describe('Largest request body; above it 413. Default MAX_BODY_BYTES.'),
  ...ROUTE_RULE_FIELDS,
  ...ROUTE_LIMIT_FIELDS,
  ...ROUTE_IDENTITY_FIELDS,
  authorize: authorizeSchema
    .meta(exactlyOne('url', 'upstream'))
    .optional()
    .describe('Whom the route asks whether a request may pass (forward-auth); default nobody.'),
  ...ROUTE_WEBSOCKET_FIELDS,
}).meta({ allOf: [exactlyOne('path', 'exact'), ONE_DESTINATION] });

export const gatewaySchema = section({
  upstreams: z
    .record(name, upstreamSchema.describe('One upstream.'), 'a mapping of names to upstreams')
    .optional()
    .describe('Upstreams by name.'),
  routes: z
    .array(routeSchema.describe('One route.'), 'a list of routes')
    .min(1, 'at least one route')
    .optional()
    .describe('Routes; default /proxy to the upstream named default.'),
  ...IDENTITY_SECTIONS,
});

export type UpstreamYaml = z.infer<typeof upstreamSchema>;
export type RouteYaml = z.infer<typeof routeSchema>;
export type GatewayYaml = z.infer<typeof gatewaySchema>;
