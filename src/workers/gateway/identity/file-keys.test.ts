import { expect, test } from 'vitest';
import { apiKeyHash, makeApiKey } from '../../../shared/identity/api-key.ts';
import type { Verdict } from '../../../shared/identity/identity.ts';
import { FileKeys } from './file-keys.ts';
import type { Verifier } from './verifier.ts';

const verified = (keys: Verifier, key: string): Promise<Verdict> => new Promise((done) => keys.verify(key, done));

function setUp(next?: Verifier) {
  let nowMs = 1_000;
  const [good, ends, off] = [makeApiKey(), 'a key of another form', makeApiKey()];
  const key = (text: string, more = {}) => ({
    id: text.slice(4, 8),
    sha256: apiKeyHash(text),
    expiresAtMs: undefined,
    disabled: false,
    ...more,
  });
  const keys = new FileKeys({
    config: {
      cacheEntries: 2,
      consumers: [
        {
          name: 'acme',
          profile: 'iot',
          groups: [],
          disabled: false,
          certificates: [],
          keys: [key(good), key(ends, { expiresAtMs: 2_000 }), key(off, { disabled: true })],
        },
      ],
    },
    wallClock: () => nowMs,
    next,
  });
  return { keys, good, ends, off, later: (ms: number) => void (nowMs += ms) };
}

test('a key of the file is known at once, whatever its form, until it ends', () => {
  const { keys, good, ends, off, later } = setUp();
  for (let n = 0; n < 2; n++) {
    expect(keys.known(good)).toMatchObject({ consumer: 'acme', profile: 'iot', method: 'api_key' });
    expect(keys.known(ends)).toMatchObject({ consumer: 'acme', expiresAtMs: 2_000 });
    expect(keys.known(off)).toBe('credentials_invalid');
  }
  later(999);
  expect(keys.known(ends)).toMatchObject({ consumer: 'acme' });
  later(1);
  expect(keys.known(ends)).toBe('credentials_invalid');
  expect(keys.known(good)).toMatchObject({ consumer: 'acme' });
});

test('a wrong one is verified once in five seconds; one that is no key never', async () => {
  const { keys, later } = setUp();
  const wrong = makeApiKey();
  expect(keys.known('gw1_typo')).toBe('credentials_invalid');
  expect(keys.known(wrong)).toBeUndefined();
  expect(await verified(keys, wrong)).toBe('credentials_invalid');
  expect(keys.known(wrong)).toBe('credentials_invalid');
  later(5_000);
  expect(keys.known(wrong)).toBeUndefined();
});

test('what the file has not may be elsewhere', async () => {
  const next: Verifier = {
    known: (key) => (key === 'seen' ? 'identity_unavailable' : undefined),
    isMalformed: () => false,
    verify: (_key, done) => void setImmediate(done, 'identity_unavailable'),
  };
  const { keys, good, off } = setUp(next);
  expect(keys.known(good)).toMatchObject({ consumer: 'acme' });
  expect(keys.known(off)).toBe('credentials_invalid');
  expect(keys.known('seen')).toBe('identity_unavailable');
  expect(await verified(keys, makeApiKey())).toBe('identity_unavailable');
});
