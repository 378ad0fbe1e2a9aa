/** What a refusal or failure of the gateway itself means, wherever it is looked at. */
export interface ErrorRule {
  readonly status: number;
  /** What a person reads in the problem's `detail`; never an address, a path of ours, or a stack. */
  readonly detail: string;
  /** The connection cannot carry another request: what follows on it is not to be trusted, or not wanted. */
  readonly closes: boolean;
  /** After how long a client may try again, where the refusal passes by itself and nobody knows better. */
  readonly retryAfterSeconds: number | undefined;
  /**
   * Whether a sampled access log has it all the same. `by-status`: from 500 on. `never`: an answer of 500 or more that
   * says nothing new, as under an attack or an outage there is one for each request.
   */
  readonly logged: 'always' | 'by-status' | 'never';
  /** The upstream's doing, which its circuit breaker counts. */
  readonly upstreamFault: boolean;
}

const PLAIN = { closes: false, retryAfterSeconds: undefined, logged: 'by-status', upstreamFault: false } as const;
const CLOSES = { ...PLAIN, closes: true } as const;
const UPSTREAM = { ...PLAIN, upstreamFault: true } as const;
const ALWAYS = 'always' as const;
const NEVER = 'never' as const;

/**
 * Every way the gateway itself refuses or fails an exchange. The codes are part of the contract with clients (`code` in
 * the problem+json body): add, never rename.
 */
const TABLE = {
  bad_request: { ...CLOSES, status: 400, detail: 'The request is malformed.' },
  no_route: { ...PLAIN, status: 404, detail: 'No route matches this host and path.' },
  method_not_allowed: { ...PLAIN, status: 405, detail: 'The route does not take this method.' },
  length_required: {
    ...CLOSES,
    status: 411,
    detail: 'This front of the gateway takes request bodies with a Content-Length only.',
  },
  body_too_large: { ...CLOSES, status: 413, detail: 'The request body is larger than this route takes.' },
  uri_too_long: { ...CLOSES, status: 414, detail: 'The request line is longer than the gateway takes.' },
  header_too_large: { ...CLOSES, status: 431, detail: 'The request line and header fields are too large.' },
  websocket_version: { ...PLAIN, status: 426, detail: 'The gateway speaks version 13 of the WebSocket protocol.' },
  websocket_unsupported: {
    ...PLAIN,
    status: 501,
    detail: 'This front of the gateway does not pass WebSockets on.',
  },
  too_many_websockets: {
    ...PLAIN,
    status: 503,
    detail: 'The gateway is at its limit of open WebSockets.',
    retryAfterSeconds: 5,
    logged: NEVER,
  },
  method_not_implemented: { ...PLAIN, status: 501, detail: 'The gateway does not forward this method.' },
  http_version_not_supported: {
    ...CLOSES,
    status: 505,
    detail: 'The gateway speaks HTTP/1.1 and HTTP/1.0 here.',
  },
  loop_detected: {
    ...PLAIN,
    status: 508,
    detail: 'The request has passed the gateway too often: an upstream leads back to it.',
  },
  maintenance: {
    ...PLAIN,
    status: 503,
    detail: 'This is under maintenance; Retry-After says until when.',
    logged: NEVER,
  },
  credentials_missing: { ...PLAIN, status: 401, detail: 'The route wants to know who asks; the request does not say.' },
  credentials_invalid: { ...PLAIN, status: 401, detail: 'The credentials are not valid.' },
  token_expired: { ...PLAIN, status: 401, detail: 'The token has expired, or is not valid yet.' },
  ip_not_allowed: { ...PLAIN, status: 403, detail: 'Clients of this address may not use the route.' },
  origin_not_allowed: { ...PLAIN, status: 403, detail: 'Pages of this origin may not use the route.' },
  not_allowed: { ...PLAIN, status: 403, detail: 'This consumer may not use the route.' },
  too_many_failures: {
    ...PLAIN,
    status: 429,
    detail: 'Too many wrong credentials came from this address.',
  },
  identity_unavailable: {
    ...PLAIN,
    status: 503,
    detail: 'The credentials cannot be verified at the moment; they may well be good.',
    retryAfterSeconds: 5,
    logged: NEVER,
  },
  authorizer_denied: { ...PLAIN, status: 403, detail: 'The authorizer of the route does not let the request pass.' },
  authorizer_unavailable: {
    ...PLAIN,
    status: 503,
    detail: 'The authorizer of the route gives no answer; the request may well be good.',
    logged: NEVER,
  },
  client_banned: {
    ...PLAIN,
    status: 403,
    detail: 'This client is banned for a time; Retry-After says until when.',
  },
  rate_limited: {
    ...PLAIN,
    status: 429,
    detail: 'This client has used up its requests; Retry-After says when the next one passes.',
  },
  too_many_in_flight: {
    ...PLAIN,
    status: 429,
    detail: 'Too many requests of this client are under way while others wait.',
    retryAfterSeconds: 1,
  },
  limits_unavailable: {
    ...PLAIN,
    status: 503,
    detail: 'The store of the rate limits cannot be reached, and this route does not pass without it.',
    logged: NEVER,
  },
  circuit_open: {
    ...PLAIN,
    status: 503,
    detail: 'The upstream has failed too often; the gateway does not call it for now.',
    logged: NEVER,
  },
  upstream_refused: { ...UPSTREAM, status: 502, detail: 'The upstream does not accept connections.' },
  upstream_unresolved: { ...PLAIN, status: 502, detail: 'The upstream name cannot be resolved.' },
  upstream_tls_failed: { ...UPSTREAM, status: 502, detail: 'The TLS handshake with the upstream failed.' },
  upstream_reset: {
    ...UPSTREAM,
    status: 502,
    detail: 'The upstream closed the connection before it answered.',
    logged: ALWAYS,
  },
  upstream_bad_response: {
    ...UPSTREAM,
    status: 502,
    detail: 'The upstream answered with something that is not valid HTTP/1.1.',
    logged: ALWAYS,
  },
  upstream_header_too_large: {
    ...PLAIN,
    status: 502,
    detail: 'The header of the upstream’s answer is larger than the gateway takes.',
    logged: ALWAYS,
  },
  response_too_large: {
    ...PLAIN,
    status: 502,
    detail: 'The upstream’s answer is larger than this route takes.',
    logged: ALWAYS,
  },
  upstream_queue_full: {
    ...PLAIN,
    status: 503,
    detail: 'Too many requests wait for this upstream.',
    retryAfterSeconds: 1,
  },
  upstream_overloaded: {
    ...PLAIN,
    status: 503,
    detail: 'The upstream has as many requests under way as it may; others wait already.',
    retryAfterSeconds: 1,
    logged: NEVER,
  },
  gateway_overloaded: {
    ...PLAIN,
    status: 503,
    detail: 'The gateway does not keep up with what comes, and refuses some of it.',
    retryAfterSeconds: 1,
    logged: NEVER,
  },
  overloaded: {
    ...CLOSES,
    status: 503,
    detail: 'The gateway is at its limit of connections or exchanges.',
    retryAfterSeconds: 1,
    logged: NEVER,
  },
  draining: { ...PLAIN, status: 503, detail: 'The gateway is shutting down.', retryAfterSeconds: 1, logged: NEVER },
  no_threads: {
    ...CLOSES,
    status: 503,
    detail: 'No request thread is running; one is being started.',
    retryAfterSeconds: 1,
  },
  upstream_connect_timeout: {
    ...UPSTREAM,
    status: 504,
    detail: 'The upstream did not accept a connection in time.',
  },
  upstream_headers_timeout: { ...UPSTREAM, status: 504, detail: 'The upstream did not answer in time.' },
  upstream_body_timeout: {
    ...UPSTREAM,
    status: 504,
    detail: 'The upstream stopped sending in the middle of its answer.',
    logged: ALWAYS,
  },
  upstream_total_timeout: {
    ...UPSTREAM,
    status: 504,
    detail: 'The exchange took longer than the route allows.',
    logged: ALWAYS,
  },
  header_timeout: {
    ...CLOSES,
    status: 408,
    detail: 'The request header did not arrive whole in time.',
    logged: ALWAYS,
  },
  request_timeout: { ...CLOSES, status: 408, detail: 'The request body stopped arriving.', logged: ALWAYS },
  client_stalled: { ...PLAIN, status: 408, detail: 'The client stopped reading the answer.', logged: ALWAYS },
  internal_error: {
    ...CLOSES,
    status: 500,
    detail: 'The gateway failed; the log has the reason under this request id.',
    logged: ALWAYS,
  },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof TABLE;

export const ERRORS: Readonly<Record<ErrorCode, ErrorRule>> = TABLE;

export const ERROR_CODES = Object.keys(TABLE) as readonly ErrorCode[];
