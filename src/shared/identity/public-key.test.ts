import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readJwks, readPublicKeys } from './public-key.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const jwkOf = (pair: { publicKey: typeof rsa.publicKey }): Record<string, unknown> => ({
  ...pair.publicKey.export({ format: 'jwk' }),
});
const setOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys });

/** What is left of the keys: their kid and first algorithm. */
function left(text: string): readonly string[] | string {
  const read = readJwks(text);
  return read.ok ? read.keys.map(({ kid, algorithms }) => `${kid}/${algorithms.join()}`) : read.why;
}

describe('a key set', () => {
  test('has keys of every kind', () => {
    const set = setOf({ ...jwkOf(rsa), kid: 'a' }, { ...jwkOf(ec), kid: 'b' }, { ...jwkOf(ed), kid: 'c' }, jwkOf(ed));
    expect(left(set)).toEqual([
      'a/RS256,RS384,RS512,PS256,PS384,PS512',
      'b/ES256',
      'c/EdDSA,Ed25519',
      'undefined/EdDSA,Ed25519',
    ]);
  });

  test.each([
    ['RS256', ['k/RS256']],
    ['PS512', ['k/PS512']],
  ])('whose alg is %s is for nothing else', (alg, expected) =>
    expect(left(setOf({ ...jwkOf(rsa), kid: 'k', alg }))).toEqual(expected),
  );

  test('may call it Ed25519', () =>
    expect(left(setOf({ ...jwkOf(ed), alg: 'Ed25519' }))).toEqual(['undefined/EdDSA,Ed25519']));

  const small = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  test.each([
    ['a secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'k' }],
    ['a key for encryption', { ...jwkOf(rsa), use: 'enc' }],
    ['a key that is not to verify', { ...jwkOf(rsa), key_ops: ['wrapKey'] }],
    ['another algorithm than its kind has', { ...jwkOf(ec), alg: 'RS256' }],
    ['HS256 on an RSA key', { ...jwkOf(rsa), alg: 'HS256' }],
    ['an RSA key of 1,024 bits', jwkOf(small)],
    ['a kid that is a number', { ...jwkOf(rsa), kid: 7 }],
    ['a kid that is very long', { ...jwkOf(rsa), kid: 'k'.repeat(257) }],
    ['a curve that nobody knows', { ...jwkOf(ec), crv: 'P-257' }],
    ['a curve named as a member of every object', { ...jwkOf(ec), crv: 'constructor' }],
    ['a kind named as a member of every object', { ...jwkOf(ec), kty: 'toString' }],
    ['a point that is not on its curve', { ...jwkOf(ec), x: 'AAAA' }],
    ['a number', 7],
    ['null', null],
  ])('passes over %s', (_name, key) => {
    expect(left(setOf(key))).toBe('it has no key that a token could be verified with');
    expect(left(setOf(key, { ...jwkOf(ec), kid: 'good' }))).toEqual(['good/ES256']);
  });

  test('gives away nothing of a private key in it', () => {
    const read = readJwks(setOf({ ...rsa.privateKey.export({ format: 'jwk' }), kid: 'k' }));
    expect(read.ok && Object.keys(read.keys[0]?.jwk ?? {})).toEqual(['e', 'kty', 'n']);
  });

  test('knows a key again, whatever its name', () => {
    const [a, b] = ['a', 'b'].map((kid) => readJwks(setOf({ ...jwkOf(rsa), kid })));
    expect(a?.ok && a.keys[0]?.identity).toBe(b?.ok && b.keys[0]?.identity);
  });

  test.each([
    ['', 'it is not JSON'],
    ['<html>', 'it is not JSON'],
    ['[]', 'it is no key set: it has no "keys"'],
    ['null', 'it is no key set: it has no "keys"'],
    ['{"keys":{}}', 'it is no key set: it has no "keys"'],
    ['{"keys":[]}', 'it has no key that a token could be verified with'],
    [setOf(...Array.from({ length: 101 }, () => 1)), 'it has more than 100 keys'],
  ])('%j is none', (text, why) => expect(left(text)).toBe(why));
});

describe('a file of public keys', () => {
  const pem = (pair: { publicKey: typeof rsa.publicKey }): string =>
    pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();

  test('has one or several', () => {
    const read = readPublicKeys(`# old and new\n${pem(rsa)}${pem(ec)}`);
    expect(read.ok && read.keys.map(({ kid, algorithms }) => [kid, algorithms[0]])).toEqual([
      [undefined, 'RS256'],
      [undefined, 'ES256'],
    ]);
  });

  test('is never one of private keys', () => {
    const text = ed.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    expect(readPublicKeys(text)).toEqual({ ok: false, why: 'it is a private key' });
  });

  test.each([['hello'], [''], ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n']])('is not %j', (text) =>
    expect(readPublicKeys(text)).toEqual({ ok: false, why: 'it is no public key in PEM' }),
  );
});
