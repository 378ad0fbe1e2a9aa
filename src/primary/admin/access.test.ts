import { describe, expect, test } from 'vitest';
import { accessTo } from './access.ts';

const from = (remoteAddress: string, headers = {}) => ({ remoteAddress, headers });

describe('changes through the admin port', () => {
  test.each(['127.0.0.1', '127.9.8.7', '::1', '::ffff:127.0.0.1'])('are allowed from %s', (address) => {
    expect(accessTo(from(address), undefined)).toBe('allowed');
    expect(accessTo(from(address), 'secret')).toBe('allowed');
  });

  test.each(['10.0.0.1', '::ffff:10.0.0.1', '1127.0.0.1', '127.0.0.1.example', ''])('are not from %s', (address) => {
    expect(accessTo(from(address), undefined)).toBe('forbidden');
    expect(accessTo(from(address), 'secret')).toBe('needs-token');
  });

  test('are allowed from anywhere with the token', () => {
    expect(accessTo(from('10.0.0.1', { authorization: 'Bearer secret' }), 'secret')).toBe('allowed');
    expect(accessTo(from('10.0.0.1', { authorization: 'bearer  secret' }), 'secret')).toBe('allowed');
  });

  test.each(['Bearer secre', 'Bearer secret2', 'Basic secret', 'secret', 'Bearer '])(
    'are not with %s',
    (authorization) => {
      expect(accessTo(from('10.0.0.1', { authorization }), 'secret')).toBe('needs-token');
    },
  );

  test('no token is not an empty token', () => {
    expect(accessTo(from('10.0.0.1', { authorization: 'Bearer undefined' }), undefined)).toBe('forbidden');
  });

  test('are not for a web page in a browser of this machine', () => {
    expect(accessTo(from('127.0.0.1', { origin: 'https://evil.example' }), undefined)).toBe('forbidden');
  });
});
