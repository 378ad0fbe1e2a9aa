import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { ERROR_CODES, ERRORS } from '../errors.ts';
import { problemBody, reasonPhrase } from './problem.ts';

test('one line of problem+json', () => {
  expect(problemBody('upstream_refused', { requestId: 'r-1' })).toBe(
    '{"type":"about:blank","title":"Bad Gateway","status":502,"detail":"The upstream does not accept connections.",' +
      '"code":"upstream_refused","request_id":"r-1"}\n',
  );
});

prop.prop([fc.constantFrom(...ERROR_CODES), fc.string({ unit: 'binary' }), fc.option(fc.string({ unit: 'binary' }))])(
  'whatever is put in, it is one line that parses to what was meant',
  (code, requestId, detail) => {
    const body = problemBody(code, detail === null ? { requestId } : { requestId, detail });
    expect(body.indexOf('\n')).toBe(body.length - 1);
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: reasonPhrase(ERRORS[code].status),
      status: ERRORS[code].status,
      detail: detail ?? ERRORS[code].detail,
      code,
      request_id: requestId,
    });
  },
);

test('reason phrases are those of RFC 9110', () => {
  expect(reasonPhrase(200)).toBe('OK');
  expect(reasonPhrase(413)).toBe('Content Too Large');
  expect(reasonPhrase(422)).toBe('Unprocessable Content');
  expect(reasonPhrase(431)).toBe('Request Header Fields Too Large');
  expect(reasonPhrase(299)).toBe('Unknown');
});
