import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { apiKeyHash, isWellFormedApiKey, makeApiKey } from './api-key.ts';

test('a key has the form that documents promise, and no two are the same', () => {
  const keys = Array.from({ length: 1_000 }, makeApiKey);
  for (const key of keys) expect(key).toMatch(/^gw1_[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{6}$/);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.every(isWellFormedApiKey)).toBe(true);
});

test('one character that is another, is missing or is too much is found without a look-up', () => {
  const key = makeApiKey();
  for (let at = 0; at < key.length; at++) {
    const other = key[at] === 'A' ? 'B' : 'A';
    const typo = key.slice(0, at) + other + key.slice(at + 1);
    expect(isWellFormedApiKey(typo), typo).toBe(false);
    expect(isWellFormedApiKey(key.slice(0, at) + key.slice(at + 1))).toBe(false);
  }
  for (const text of ['', 'gw1_', `${key}A`, `${key}\n`, ` ${key}`, key.toUpperCase()])
    expect(isWellFormedApiKey(text), JSON.stringify(text)).toBe(false);
});

test('two neighbours in the wrong order are found', () => {
  const key = makeApiKey();
  for (let at = 4; at + 1 < key.length; at++) {
    if (key[at] === key[at + 1]) continue;
    const swapped = `${key.slice(0, at)}${key[at + 1]}${key[at]}${key.slice(at + 2)}`;
    expect(isWellFormedApiKey(swapped)).toBe(false);
  }
});

test('its hash is what sha256sum prints', () => {
  const key = makeApiKey();
  expect(apiKeyHash(key)).toBe(createHash('sha256').update(Buffer.from(key)).digest('hex'));
  expect(apiKeyHash('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
