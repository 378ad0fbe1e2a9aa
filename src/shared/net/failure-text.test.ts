import { expect, test } from 'vitest';
import { failureText } from './failure-text.ts';
import type { NetError } from './failure-text.ts';

const coded = (message: string, code: string, reason?: string): NetError =>
  Object.assign(new Error(message), { code, ...(reason === undefined ? {} : { reason }) });

/** Node's own, where a name has several addresses: it has a code and no message. */
const severalOf = (...errors: readonly NetError[]): NetError =>
  Object.assign(new AggregateError(errors), { code: errors[0]?.code ?? '' });

const REFUSED_4 = coded('connect ECONNREFUSED 10.0.0.1:80', 'ECONNREFUSED');
const REFUSED_6 = coded('connect ECONNREFUSED ::1:80', 'ECONNREFUSED');

test.each([
  [coded('certificate has expired', 'CERT_HAS_EXPIRED'), 'certificate has expired (CERT_HAS_EXPIRED)'],
  [REFUSED_4, 'connect ECONNREFUSED 10.0.0.1:80'],
  [
    coded(
      '00E0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../x.c:355:\n',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'wrong version number',
    ),
    'wrong version number (ERR_SSL_WRONG_VERSION_NUMBER)',
  ],
  [coded('a has no address (ENOTFOUND)', 'ERR_NAME_UNRESOLVED'), 'a has no address (ENOTFOUND)'],
  [severalOf(REFUSED_6, REFUSED_4, REFUSED_4), 'connect ECONNREFUSED ::1:80; connect ECONNREFUSED 10.0.0.1:80'],
  [severalOf(coded('', 'EMFILE')), 'EMFILE'],
  [new TypeError(''), 'TypeError'],
  [new Error('x\n'.repeat(500)), 'x '.repeat(100)],
])('%#: %s', (error, text) => expect(failureText(error)).toBe(text));
