import { expect, test } from 'vitest';
import { KEY_KINDS, kindOfKey } from './key-kinds.ts';

test.each([
  ['api-gateway:limit-overrides', 'default'],
  ['api-gateway:circuit-breaker', 'default'],
  ['api-gateway:rate-limit:10.0.0.1', 'buckets'],
  ['api-gateway:rate-limit:{api-gateway}:burst', 'buckets'],
  ['api-gateway:api-keys', 'all'],
  ['api-gateway:config:versions', 'all'],
  ['api-gateway:something-new', 'all'],
  ['api-gateway:rate-limited', 'all'],
  ['api-gateway:{jobs}:backup-redis:meta', 'never'],
  ['{api-gateway}:jobs:meta', 'never'],
  ['api-gateway:nodes', 'never'],
  ['api-gateway:node:a', 'never'],
  ['api-gateway:refused:a', 'never'],
  ['api-gateway:health', 'never'],
])('%s is put back: %s', (key, when) => {
  const kind = kindOfKey(key);
  expect(kind?.when).toBe(when);
  expect(KEY_KINDS).toContain(kind);
});

test.each(['session:1', 'bull:api-gateway:x', 'api-gateway', ''])('%j is not ours', (key) => {
  expect(kindOfKey(key)).toBeUndefined();
});
