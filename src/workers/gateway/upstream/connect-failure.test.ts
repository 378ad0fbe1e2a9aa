import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../../shared/errors.ts';
import { connectFailure, failureText } from './connect-failure.ts';

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

  test.each([
    [
      Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' }),
      'certificate has expired (CERT_HAS_EXPIRED)',
    ],
    [
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:80'), { code: 'ECONNREFUSED' }),
      'connect ECONNREFUSED 10.0.0.1:80',
    ],
    [
      Object.assign(new Error('00E0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../x.c:355:\n'), {
        code: 'ERR_SSL_WRONG_VERSION_NUMBER',
        reason: 'wrong version number',
      }),
      'wrong version number (ERR_SSL_WRONG_VERSION_NUMBER)',
    ],
    [
      Object.assign(new Error('a has no address (ENOTFOUND)'), { code: 'ERR_NAME_UNRESOLVED' }),
      'a has no address (ENOTFOUND)',
    ],
    [severalOf('ECONNREFUSED', 'ECONNREFUSED', 'EADDRNOTAVAIL'), 'ECONNREFUSED; EADDRNOTAVAIL'],
    [new Error('x\n'.repeat(500)), 'x '.repeat(100)],
  ])('in words for the log: %s', (error, text) => expect(failureText(error)).toBe(text));

  test('what is not the upstream’s doing is none of its breaker', () => {
    expect([ERRORS.overloaded.upstreamFault, ERRORS.upstream_unresolved.upstreamFault]).toEqual([false, false]);
  });
});
