import { expect, test } from 'vitest';
import { isHopByHop } from './request-field.ts';
import { isForwardableTrailer } from './trailer-field.ts';

test.each([
  'x-sum',
  'x-checksum-sha256',
  'digest',
  'content-digest',
  'repr-digest',
  'content-md5',
  'etag',
  'server-timing',
  'signature',
  'grpc-status',
  'grpc-message',
  'x-ratio',
])('%s may be a trailer', (name) => {
  expect(isForwardableTrailer(name)).toBe(true);
});

test.each([
  'x-consumer-id',
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'transfer-encoding',
  'host',
  'te',
  'trailer',
  'expect',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-forwarded-for',
  'x_forwarded_for',
  'x-forwarded-anything',
  'forwarded',
  'via',
  'x-request-id',
  'ratelimit',
  'ratelimit-policy',
  'x-ratelimit-remaining',
  'x-rate-limit-reset',
  'retry-after',
  'max-forwards',
  'cache-control',
  'age',
  'date',
  'location',
  'if-match',
  'range',
  'x-api-key',
  'x_api_key',
  'x-http-method-override',
])('%s may not', (name) => {
  expect(isForwardableTrailer(name)).toBe(false);
});

test('no hop-by-hop field is a trailer', () => {
  const names = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'];
  for (const name of [...names, 'proxy-connection', 'proxy-authorization']) {
    expect(isHopByHop(name), name).toBe(true);
    expect(isForwardableTrailer(name), name).toBe(false);
  }
});
