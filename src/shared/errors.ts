/**
 * Every way the gateway itself refuses or fails an exchange, and the status it answers with. The codes are part of the
 * contract with clients (`code` in the problem+json body): add, never rename.
 */
export const STATUS = {
  bad_request: 400,
  no_route: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  header_too_large: 431,
  method_not_implemented: 501,
  client_banned: 403,
  rate_limited: 429,
  limits_unavailable: 503,
  circuit_open: 503,
  upstream_refused: 502,
  upstream_unresolved: 502,
  upstream_tls_failed: 502,
  upstream_reset: 502,
  upstream_bad_response: 502,
  upstream_queue_full: 503,
  overloaded: 503,
  draining: 503,
  no_threads: 503,
  upstream_connect_timeout: 504,
  upstream_headers_timeout: 504,
  upstream_body_timeout: 504,
  upstream_total_timeout: 504,
  request_timeout: 408,
  client_stalled: 408,
  internal_error: 500,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** What a person reads in the problem's `title` and `detail`; never an address, a path of ours, or a stack. */
export const DETAIL: Readonly<Record<ErrorCode, string>> = {
  bad_request: 'The request is malformed.',
  no_route: 'No route matches this host and path.',
  method_not_allowed: 'The route does not take this method.',
  body_too_large: 'The request body is larger than this route takes.',
  header_too_large: 'The request line and header fields are too large.',
  method_not_implemented: 'The gateway does not forward this method.',
  client_banned: 'This client is banned for a time; Retry-After says until when.',
  rate_limited: 'This client has used up its requests; Retry-After says when the next one passes.',
  limits_unavailable: 'The store of the rate limits cannot be reached, and this route does not pass without it.',
  circuit_open: 'The upstream has failed too often; the gateway does not call it for now.',
  upstream_refused: 'The upstream does not accept connections.',
  upstream_unresolved: 'The upstream name cannot be resolved.',
  upstream_tls_failed: 'The TLS handshake with the upstream failed.',
  upstream_reset: 'The upstream closed the connection before it answered.',
  upstream_bad_response: 'The upstream answered with something that is not valid HTTP/1.1.',
  upstream_queue_full: 'Too many requests wait for this upstream.',
  overloaded: 'The gateway is at its limit of connections or exchanges.',
  draining: 'The gateway is shutting down.',
  no_threads: 'No request thread is running; one is being started.',
  upstream_connect_timeout: 'The upstream did not accept a connection in time.',
  upstream_headers_timeout: 'The upstream did not answer in time.',
  upstream_body_timeout: 'The upstream stopped sending in the middle of its answer.',
  upstream_total_timeout: 'The exchange took longer than the route allows.',
  request_timeout: 'The request body stopped arriving.',
  client_stalled: 'The client stopped reading the answer.',
  internal_error: 'The gateway failed; the log has the reason under this request id.',
};
