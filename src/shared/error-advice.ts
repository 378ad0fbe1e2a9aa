import type { ErrorCode } from './errors.ts';

/** What to do about a refusal or failure of the gateway; `gateway explain CODE` and docs/errors.md say it. */
export interface ErrorAdvice {
  /** Whoever has sent the request. */
  readonly client: string;
  /** Whoever runs the gateway; with the command or variable to go to first. */
  readonly operator: string;
}

const AGAIN_LATER = 'Try again after Retry-After.';
const AGAIN = 'A safe request may be sent again; another may have been carried out.';
const NOTHING = 'Nothing, unless it comes often.';

/** Advice for every code: a new code without any does not compile. */
export const ERROR_ADVICE: Readonly<Record<ErrorCode, ErrorAdvice>> = {
  bad_request: {
    client: 'Mend the request: header, framing, Host, path, or a field that names clients twice.',
    operator: 'http_refused_total{code="bad_request"} counts it; docs/clients.md says what is taken.',
  },
  no_route: {
    client: 'Check host and path.',
    operator: '`gateway config` shows the routes in use; `gateway reload` after a change of the file.',
  },
  method_not_allowed: {
    client: 'Use a method that Allow names; CONNECT and TRACE never pass.',
    operator: '`methods` of the route.',
  },
  length_required: {
    client: 'Send Content-Length in place of chunks.',
    operator: 'FRONT=native takes chunked bodies; UWS_CHUNKED=on on the other front.',
  },
  body_too_large: { client: 'Send less.', operator: 'MAX_BODY_BYTES, or `max_body_bytes` of the route.' },
  uri_too_long: { client: 'Shorten the query.', operator: 'MAX_QUERY_BYTES, or `max_query_bytes` of the route.' },
  header_too_large: {
    client: 'Send fewer or shorter fields; often cookies have grown.',
    operator: 'MAX_HEADER_BYTES, MAX_HEADER_COUNT.',
  },
  websocket_version: { client: 'Speak version 13.', operator: NOTHING },
  websocket_unsupported: {
    client: 'Nothing; the gateway is set up without.',
    operator: 'FRONT=native passes WebSockets.',
  },
  too_many_websockets: { client: AGAIN_LATER, operator: 'WEBSOCKET_MAX_CONNECTIONS; websocket_connections_open.' },
  method_not_implemented: {
    client: 'Use another method.',
    operator: 'Kept for clients that know it: this version answers 405.',
  },
  http_version_not_supported: {
    client: 'Speak HTTP/1.1.',
    operator:
      'Something speaks another protocol to this port; for HTTP/2 put nginx or HAProxy in front (docs/clients.md).',
  },
  loop_detected: {
    client: 'Nothing.',
    operator: 'A target leads back to a gateway: `gateway targets`, and what those addresses are.',
  },
  maintenance: { client: AGAIN_LATER, operator: '`gateway maintenance list`; `gateway maintenance off`.' },
  credentials_missing: {
    client: 'Send credentials; WWW-Authenticate names the ways.',
    operator: '`authenticate` of the route (docs/identity.md).',
  },
  credentials_invalid: {
    client: 'Check key, token or certificate; it may have been revoked.',
    operator: '`gateway key list`; the log has the reason (docs/identity.md, docs/tokens.md).',
  },
  token_expired: {
    client: 'Fetch a new token; check the clock.',
    operator: 'Clocks of issuer and gateway: `gateway doctor`; `clock_skew_seconds`.',
  },
  ip_not_allowed: {
    client: 'Ask the operator.',
    operator: 'IP_ALLOW, IP_DENY, `ip` of the route; behind a proxy TRUSTED_PROXIES.',
  },
  origin_not_allowed: {
    client: 'The page is not one of those that may.',
    operator: '`cors` or `websocket` of the route.',
  },
  not_allowed: { client: 'Ask for access.', operator: '`allow` of the route, groups of the consumer.' },
  too_many_failures: {
    client: 'Send right credentials; wait for Retry-After.',
    operator: 'AUTH_FAILURE_CAPACITY; somebody guesses, or an old key is still in use behind that address.',
  },
  identity_unavailable: {
    client: AGAIN_LATER,
    operator: '`gateway status` names what cannot be asked: Redis for stored keys, or the issuer of tokens.',
  },
  authorizer_denied: { client: 'Ask for access.', operator: 'The authorizer of the route said no: its log.' },
  authorizer_unavailable: {
    client: 'Try again.',
    operator: '`gateway status`; `authorize` of the route, `on_failure` (docs/authorize.md).',
  },
  client_banned: {
    client: 'Wait for Retry-After, or ask the operator.',
    operator: '`gateway limit list`; `gateway limit auto CLIENT` lifts it.',
  },
  rate_limited: {
    client: 'Send no faster than RateLimit-Policy says; after a refusal wait for Retry-After.',
    operator: '`gateway why CLIENT`, `gateway limit top`; RATE_LIMIT_CAPACITY, RATE_LIMIT_REFILL_RATE or `limits`.',
  },
  too_many_in_flight: {
    client: 'Send fewer requests at the same time.',
    operator: 'MAX_IN_FLIGHT_PER_CLIENT (docs/fair-shares.md).',
  },
  limits_unavailable: {
    client: 'Try again in a moment.',
    operator: 'Redis: `gateway doctor`. `on_store_failure: local` goes on without it.',
  },
  circuit_open: {
    client: AGAIN_LATER,
    operator:
      'Mend the upstream; `gateway status` and `gateway events --type breaker` say why; `gateway breaker auto NAME`.',
  },
  upstream_refused: {
    client: AGAIN,
    operator: 'Is the upstream up, and is its port right? `gateway probe URL`, `gateway targets`.',
  },
  upstream_unresolved: {
    client: 'Try again later.',
    operator: '`gateway doctor`: the name and the DNS servers (docs/names.md).',
  },
  upstream_tls_failed: {
    client: 'Try again later.',
    operator:
      'The log has the reason: certificate out of date, not trusted, or for another name; `tls` of the upstream.',
  },
  upstream_reset: {
    client: AGAIN,
    operator: 'The log of the upstream; UPSTREAM_IDLE_TIMEOUT_SECONDS must be below what the upstream waits.',
  },
  upstream_bad_response: { client: AGAIN, operator: 'What the upstream sends is not HTTP/1.1: `gateway probe URL`.' },
  upstream_header_too_large: { client: 'Nothing; often cookies have grown.', operator: 'UPSTREAM_MAX_HEADER_BYTES.' },
  response_too_large: {
    client: 'Ask for less.',
    operator: 'MAX_RESPONSE_BYTES, or `max_response_bytes` of the route.',
  },
  upstream_queue_full: {
    client: AGAIN_LATER,
    operator: 'The upstream is too slow for what comes: UPSTREAM_CONNECTIONS, UPSTREAM_QUEUE, more targets.',
  },
  upstream_overloaded: {
    client: AGAIN_LATER,
    operator:
      'The upstream is slower than what comes: `upstream_in_flight`; `concurrency`, UPSTREAM_CONCURRENCY, `priority` (docs/overload.md).',
  },
  gateway_overloaded: {
    client: AGAIN_LATER,
    operator:
      'A request thread is late: `gateway top`, processor of the machine; more threads or nodes, `priority`, SHED_LOOP_LAG_MILLISECONDS (docs/overload.md).',
  },
  overloaded: {
    client: AGAIN_LATER,
    operator: '`gateway status`, `gateway doctor`: open files, MAX_CONNECTIONS, MAX_IN_FLIGHT; more nodes.',
  },
  draining: {
    client: 'Send it again, on a new connection.',
    operator: 'Nothing: the node ends in order (docs/drain.md).',
  },
  no_threads: { client: AGAIN_LATER, operator: '`gateway events --type thread`: why threads end.' },
  upstream_connect_timeout: {
    client: AGAIN,
    operator: 'Firewall, address, full backlog: `gateway probe URL`; CONNECT_TIMEOUT_SECONDS.',
  },
  upstream_headers_timeout: {
    client: AGAIN,
    operator: 'The upstream is slow: upstream_request_duration_seconds; RESPONSE_HEADERS_TIMEOUT_SECONDS.',
  },
  upstream_body_timeout: { client: AGAIN, operator: 'BODY_IDLE_TIMEOUT_SECONDS; the log of the upstream.' },
  upstream_total_timeout: { client: AGAIN, operator: 'TOTAL_TIMEOUT_SECONDS, or `total_seconds` of the route.' },
  header_timeout: { client: 'Send the header within 10 s.', operator: NOTHING },
  request_timeout: {
    client: 'Send the body at 64 bytes a second or faster.',
    operator: 'BODY_IDLE_TIMEOUT_SECONDS, UPLOAD_TIMEOUT_SECONDS.',
  },
  client_stalled: {
    client: 'Read answers as they come.',
    operator: 'Nothing: the client took less than 64 bytes a second (docs/fair-shares.md).',
  },
  internal_error: {
    client: 'Report it with X-Request-Id.',
    operator: 'The log has the reason under that request_id; it is a fault of the gateway: report it.',
  },
};
