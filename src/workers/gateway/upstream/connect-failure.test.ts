import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../../shared/errors.ts';
import { connectFailure } from './connect-failure.ts';

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const severalOf = (...codes: readonly string[]): Error =>
  Object.assign(new AggregateError(codes.map(coded)), { code: codes[0] });

describe('a connection that did not come about', () => {
  test.each([
    ['EMFILE', 'overloaded'],
    ['ENFILE', 'overloaded'],
    ['ENOBUFS', 'overloaded'],
    ['ENOMEM', 'overloaded'],
    ['EADDRNOTAVAIL', 'overloaded'],
    ['ECONNREFUSED', 'upstream_refused'],
    ['EHOSTUNREACH', 'upstream_refused'],
    ['ETIMEDOUT', 'upstream_connect_timeout'],
    ['ERR_NAME_UNRESOLVED', 'upstream_unresolved'],
    ['CERT_HAS_EXPIRED', 'upstream_tls_failed'],
    ['CERT_NOT_YET_VALID', 'upstream_tls_failed'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'upstream_tls_failed'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'upstream_tls_failed'],
    ['INVALID_PURPOSE', 'upstream_tls_failed'],
  ] as const)('%s: %s', (code, expected) => expect(connectFailure(coded(code))).toBe(expected));

  test.each([
    [['EADDRNOTAVAIL', 'ECONNREFUSED'], 'upstream_refused'], // no IPv6 here, and IPv4 says what is wrong
    [['ECONNREFUSED', 'EADDRNOTAVAIL'], 'upstream_refused'],
    [['EADDRNOTAVAIL', 'ETIMEDOUT'], 'upstream_connect_timeout'],
    [['EADDRNOTAVAIL', 'EADDRNOTAVAIL'], 'overloaded'],
    [['EMFILE', 'EMFILE'], 'overloaded'],
  ] as const)('of several addresses %j: %s', (codes, expected) => {
    expect(connectFailure(severalOf(...codes))).toBe(expected);
  });

  test('what is not the upstream’s doing is none of its breaker', () => {
    expect([ERRORS.overloaded.upstreamFault, ERRORS.upstream_unresolved.upstreamFault]).toEqual([false, false]);
  });
});
