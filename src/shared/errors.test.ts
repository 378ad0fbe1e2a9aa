import { expect, test } from 'vitest';
import { ERROR_CODES, ERRORS } from './errors.ts';
import type { ErrorRule } from './errors.ts';

const which = (matches: (rule: ErrorRule) => boolean): readonly string[] =>
  ERROR_CODES.filter((code) => matches(ERRORS[code])).sort();

test('each status of the contract has these codes', () => {
  const byStatus: Record<number, string[]> = {};
  for (const code of ERROR_CODES) (byStatus[ERRORS[code].status] ??= []).push(code);
  for (const codes of Object.values(byStatus)) codes.sort();
  expect(byStatus).toEqual({
    400: ['bad_request'],
    401: ['credentials_invalid', 'credentials_missing', 'token_expired'],
    403: ['authorizer_denied', 'client_banned', 'ip_not_allowed', 'not_allowed', 'origin_not_allowed'],
    404: ['no_route'],
    405: ['method_not_allowed'],
    408: ['client_stalled', 'header_timeout', 'request_timeout'],
    411: ['length_required'],
    413: ['body_too_large'],
    414: ['uri_too_long'],
    426: ['websocket_version'],
    429: ['rate_limited', 'too_many_failures', 'too_many_in_flight'],
    431: ['header_too_large'],
    500: ['internal_error'],
    501: ['method_not_implemented', 'websocket_unsupported'],
    502: [
      'response_too_large',
      'upstream_bad_response',
      'upstream_header_too_large',
      'upstream_refused',
      'upstream_reset',
      'upstream_tls_failed',
      'upstream_unresolved',
    ],
    503: [
      'authorizer_unavailable',
      'circuit_open',
      'draining',
      'gateway_overloaded',
      'identity_unavailable',
      'limits_unavailable',
      'maintenance',
      'no_threads',
      'overloaded',
      'too_many_websockets',
      'upstream_overloaded',
      'upstream_queue_full',
    ],
    504: ['upstream_body_timeout', 'upstream_connect_timeout', 'upstream_headers_timeout', 'upstream_total_timeout'],
    505: ['http_version_not_supported'],
    508: ['loop_detected'],
  });
});

test('every detail is one sentence that a stranger may read', () => {
  for (const code of ERROR_CODES) expect(ERRORS[code].detail).toMatch(/^[A-Z][^\n]+\.$/);
});

test('these close the connection', () => {
  expect(which(({ closes }) => closes)).toEqual([
    'bad_request',
    'body_too_large',
    'header_timeout',
    'header_too_large',
    'http_version_not_supported',
    'internal_error',
    'length_required',
    'no_threads',
    'overloaded',
    'request_timeout',
    'uri_too_long',
  ]);
});

test('these pass by themselves, in a second', () => {
  expect(which(({ retryAfterSeconds }) => retryAfterSeconds === 1)).toEqual([
    'draining',
    'gateway_overloaded',
    'no_threads',
    'overloaded',
    'too_many_in_flight',
    'upstream_overloaded',
    'upstream_queue_full',
  ]);
  expect(which(({ retryAfterSeconds }) => retryAfterSeconds !== undefined)).toHaveLength(9);
});

test('a sampled access log always has these, and never those', () => {
  expect(which(({ logged }) => logged === 'always')).toEqual([
    'client_stalled',
    'header_timeout',
    'internal_error',
    'request_timeout',
    'response_too_large',
    'upstream_bad_response',
    'upstream_body_timeout',
    'upstream_header_too_large',
    'upstream_reset',
    'upstream_total_timeout',
  ]);
  expect(which(({ logged }) => logged === 'never')).toEqual([
    'authorizer_unavailable',
    'circuit_open',
    'draining',
    'gateway_overloaded',
    'identity_unavailable',
    'limits_unavailable',
    'maintenance',
    'overloaded',
    'too_many_websockets',
    'upstream_overloaded',
  ]);
});

test('these are the upstream’s doing', () => {
  expect(which(({ upstreamFault }) => upstreamFault)).toEqual([
    'upstream_bad_response',
    'upstream_body_timeout',
    'upstream_connect_timeout',
    'upstream_headers_timeout',
    'upstream_refused',
    'upstream_reset',
    'upstream_tls_failed',
    'upstream_total_timeout',
  ]);
});
