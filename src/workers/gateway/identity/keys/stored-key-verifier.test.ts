import { expect, onTestFinished, test, vi } from 'vitest';
import { apiKeyHash, makeApiKey } from '../../../../shared/identity/api-key.ts';
import type { Verdict } from '../../../../shared/identity/identity.ts';
import type { FromKeyThread, KeyAnswer } from '../../../../shared/identity/key-messages.ts';
import { StoredKeyVerifier } from './stored-key-verifier.ts';

const FOUND: KeyAnswer = { consumer: 'acme', profile: 'iot', groups: ['b2b'], expiresMs: Number.MAX_SAFE_INTEGER };

function setUp({ cacheEntries = 100 } = {}) {
  let nowMs = 1_000;
  let wallMs = 5_000;
  const posted: FromKeyThread[] = [];
  const verifier = new StoredKeyVerifier({
    cacheEntries,
    cacheMs: 60_000,
    clock: () => nowMs,
    wallClock: () => wallMs,
    post: (message) => posted.push(message),
    identityOf: (found): Verdict =>
      found.consumer === 'disabled' ? 'credentials_invalid' : { ...found, scopes: [], method: 'api_key' },
  });
  return {
    verifier,
    posted,
    later: (ms: number) => {
      nowMs += ms;
      wallMs += ms;
    },
    /** Asks, and lets the front answer. */
    ask: (key: string, answer: KeyAnswer = FOUND): Verdict | undefined => {
      let verdict: Verdict | undefined;
      verifier.verify(key, (said) => (verdict = said));
      verifier.receive({ type: 'key-found', hash: apiKeyHash(key), answer });
      return verdict;
    },
  };
}

test('a key is asked for once, by its hash, and then known', () => {
  const { verifier, posted, ask } = setUp();
  const key = makeApiKey();
  expect(verifier.known(key)).toBeUndefined();
  expect(ask(key)).toMatchObject({ consumer: 'acme', profile: 'iot', groups: ['b2b'], method: 'api_key' });
  expect(posted).toEqual([{ type: 'find-key', hash: apiKeyHash(key) }]);
  expect(verifier.known(key)).toMatchObject({ consumer: 'acme' });
  expect(JSON.stringify(posted)).not.toContain(key);
});

test('requests that come while it is asked for wait for the one answer', () => {
  const { verifier, posted } = setUp();
  const key = makeApiKey();
  const said: Verdict[] = [];
  for (let n = 0; n < 3; n++) verifier.verify(key, (verdict) => said.push(verdict));
  expect(posted).toHaveLength(1);
  verifier.receive({ type: 'key-found', hash: apiKeyHash(key), answer: FOUND });
  expect(said).toHaveLength(3);
});

test('what has no checksum is refused without a question', () => {
  const { verifier, posted } = setUp();
  expect(verifier.known('secret')).toBe('credentials_invalid');
  expect(verifier.isMalformed('secret')).toBe(true);
  expect(posted).toEqual([]);
});

test('a key is known for its time, one that nobody has for five seconds, and no answer not at all', () => {
  const { verifier, ask, later } = setUp();
  const [good, bad, none] = [makeApiKey(), makeApiKey(), makeApiKey()];
  ask(good);
  ask(bad, 'unknown');
  expect(ask(none, 'unavailable')).toBe('identity_unavailable');
  expect(verifier.known(none)).toBeUndefined();
  later(4_900);
  expect(verifier.known(bad)).toBe('credentials_invalid');
  later(200);
  expect(verifier.known(bad)).toBeUndefined();
  later(54_000);
  expect(verifier.known(good)).toMatchObject({ consumer: 'acme' });
  later(1_000);
  expect(verifier.known(good)).toBeUndefined();
});

test('a key that ends is refused from that moment, known or not', () => {
  const { verifier, ask, later } = setUp();
  const key = makeApiKey();
  ask(key, { ...FOUND, expiresMs: 5_500 });
  expect(verifier.known(key)).toMatchObject({ consumer: 'acme' });
  later(500);
  expect(verifier.known(key)).toBe('credentials_invalid');
});

test('a revoked key is forgotten, and an answer that was under way is not believed', () => {
  const { verifier, posted, ask } = setUp();
  const key = makeApiKey();
  const hash = apiKeyHash(key);
  ask(key);
  verifier.receive({ type: 'forget-keys', hashes: [hash] });
  expect(verifier.known(key)).toBeUndefined();
  const said: Verdict[] = [];
  verifier.verify(key, (verdict) => said.push(verdict));
  verifier.receive({ type: 'forget-keys', hashes: [hash] });
  verifier.receive({ type: 'key-found', hash, answer: FOUND });
  expect(said).toEqual([]);
  expect(posted).toHaveLength(3);
  verifier.receive({ type: 'key-found', hash, answer: 'unknown' });
  expect(said).toEqual(['credentials_invalid']);
  verifier.forgetAll();
  expect(verifier.known(key)).toBeUndefined();
});

test('a consumer that the configuration disables has no key', () => {
  const { ask } = setUp();
  expect(ask(makeApiKey(), { ...FOUND, consumer: 'disabled' })).toBe('credentials_invalid');
});

test('a front that does not answer is no refusal', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { verifier } = setUp();
  const said: Verdict[] = [];
  verifier.verify(makeApiKey(), (verdict) => said.push(verdict));
  vi.advanceTimersByTime(5_000);
  expect(said).toEqual(['identity_unavailable']);
});

test('a hundred thousand keys are not remembered where there is room for a hundred', () => {
  const { verifier, ask } = setUp({ cacheEntries: 100 });
  const keys = Array.from({ length: 2_000 }, makeApiKey);
  for (const key of keys) ask(key);
  const known = keys.filter((key) => verifier.known(key) !== undefined);
  expect(known.length).toBeGreaterThanOrEqual(50);
  expect(known.length).toBeLessThanOrEqual(100);
});

test('whether a key is there is asked once for all that wait, and the front alone says', () => {
  const { verifier, posted } = setUp();
  const key = makeApiKey();
  const hash = apiKeyHash(key);
  const said: boolean[] = [];
  verifier.isThere(key, (isThere) => said.push(isThere));
  verifier.isThere(key, (isThere) => said.push(isThere));
  expect(posted).toEqual([{ type: 'look-for-key', hash }]);
  verifier.receive({ type: 'key-looked-for', hash, isThere: true });
  verifier.receive({ type: 'key-looked-for', hash, isThere: false });
  expect(said).toEqual([true, true]);
});
