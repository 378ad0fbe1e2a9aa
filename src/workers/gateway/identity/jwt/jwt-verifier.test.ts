import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keySet, signingKey, signToken, unsigned, CLAIMS } from '../../../../../test/support/token-issuer.ts';
import { MAIN, NOW, setUp } from './test-verifier.ts';

const key = await signingKey('k1');
const other = await signingKey('k1');
const rsa = await signingKey('r1', 'RS256');
const ed = await signingKey('e1', 'EdDSA');
const SET = keySet(key, rsa, ed);
const exp = NOW + 600;

function ready(...settings: Parameters<typeof setUp>) {
  const set = setUp(...settings);
  set.keys(SET, { askAgainMs: Number.POSITIVE_INFINITY });
  return set;
}

describe('a token', () => {
  test.each([
    ['ES256', key],
    ['RS256', rsa],
    ['EdDSA', ed],
  ])('of %s says who its consumer is', async (_alg, signing) => {
    const { ask } = ready();
    const claims = { plan: 'partner', groups: ['fleet', 'beta'], scope: 'read write' };
    expect(await ask(await signToken(signing, { exp, claims }))).toEqual({
      consumer: 'main~device-1',
      profile: 'partner',
      groups: ['fleet', 'beta'],
      scopes: ['read', 'write'],
      method: 'jwt',
      expiresAtMs: (exp + 30) * 1_000,
      keyHash: '',
    });
  });

  test.each([
    ['RFC 9068’s typ', { header: { typ: 'at+jwt' } }],
    ['no kid', { header: { kid: undefined } }],
    ['several audiences', { claims: { aud: ['x', 'api'] } }],
    ['a header that leads elsewhere', { header: { jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/' } }],
    ['a key of its own beside ours', { header: { jwk: other.jwk } }],
  ])('may have %s', async (_name, parts) => {
    expect(await ready().ask(await signToken(key, { exp, ...parts }))).toMatchObject({ consumer: 'main~device-1' });
  });

  test.each([
    ['another iss', { claims: { iss: 'https://idp.test' } }, 'issuer'],
    ['no iss', { claims: { iss: undefined } }, 'unreadable'],
    ['an iss that is a list', { claims: { iss: [CLAIMS.iss] } }, 'unreadable'],
    ['another audience', { claims: { aud: 'other' } }, 'audience'],
    ['no audience', { claims: { aud: undefined } }, 'audience'],
    ['no exp', { exp: undefined }, 'claims'],
    ['an exp that is a text', { exp: undefined, claims: { exp: `${exp}` } }, 'claims'],
    ['an nbf that is a text', { claims: { nbf: 'now' } }, 'claims'],
    ['no sub', { claims: { sub: undefined } }, 'consumer'],
    ['an empty sub', { claims: { sub: '' } }, 'consumer'],
    ['a sub that is an object', { claims: { sub: { a: 1 } } }, 'consumer'],
    ['a sub of 256 characters', { claims: { sub: 'a'.repeat(256) } }, 'consumer'],
    ['a sub that is half a character', { claims: { sub: 'a\uD800' } }, 'consumer'],
    ['201 groups', { claims: { groups: Array.from({ length: 201 }, (_, i) => `g${i}`) } }, 'consumer'],
    ['a kid that is a number', { header: { kid: 1 } }, 'unreadable'],
    ['a kid that is an object', { header: { kid: { toString: 'k1' } } }, 'unreadable'],
    ['a kid of 257 characters', { header: { kid: 'k'.repeat(257) } }, 'unreadable'],
    ['a kid that is a path', { header: { kid: '../../../../dev/null' } }, 'key'],
    ['a kid that is a URL', { header: { kid: 'http://127.0.0.1:1/k1' } }, 'key'],
    ['a kid with a NUL', { header: { kid: 'k1\0' } }, 'key'],
    ['a kid that is SQL', { header: { kid: "k1' OR '1'='1" } }, 'key'],
    ['a kid that is a member of every object', { header: { kid: '__proto__' } }, 'key'],
    ['the kid of another key', { header: { kid: 'r1' } }, 'signature'],
  ])('with %s is refused', async (_name, parts, fault) => {
    const { ask, faults, asked } = ready();
    expect(await ask(await signToken(key, { exp, ...parts }))).toBe('credentials_invalid');
    expect(faults).toEqual([fault]);
    expect(asked).toEqual([]);
  });

  test('that somebody else signed is refused, with his key in its header too', async () => {
    const { ask, faults } = ready();
    for (const header of [{}, { jwk: other.jwk }, { kid: undefined, jwk: other.jwk }]) {
      expect(await ask(await signToken(other, { exp, header }))).toBe('credentials_invalid');
    }
    expect(faults).toEqual(['signature', 'signature', 'key']);
  });

  test('with a critical member is refused, also one that we would understand', async () => {
    const { ask } = ready();
    const signed = await signToken(key, { exp });
    const [, claims = '', signature = ''] = signed.split('.');
    for (const crit of [['exp'], ['b64'], [], 'x']) {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'k1', b64: true, exp, crit })).toString(
        'base64url',
      );
      expect(await ask([header, claims, signature].join('.'))).toBe('credentials_invalid');
    }
  });

  test.each([['at+jwt'], ['AT+JWT'], ['application/at+jwt']])('of the type asked for is taken, as %s', async (typ) =>
    expect(await ready({ type: 'at+jwt' }).ask(await signToken(key, { exp, header: { typ } }))).toMatchObject({}),
  );

  test.each([['JWT'], [undefined]])('of the type %s is not one of another type', async (typ) =>
    expect(await ready({ type: 'at+jwt' }).ask(await signToken(key, { exp, header: { typ } }))).toBe(
      'credentials_invalid',
    ),
  );

  test('is for its own issuer only', async () => {
    const { verifier, settings, ask, keys } = ready();
    verifier.configure({ ...settings, issuers: [MAIN, { ...MAIN, name: 'two', issuer: 'https://two.test/' }] });
    const second = await signingKey('k2');
    keys(keySet(second), { of: 'two', askAgainMs: Number.POSITIVE_INFINITY });
    const claims = { iss: 'https://two.test/' };
    expect(await ask(await signToken(second, { exp, claims }))).toMatchObject({ consumer: 'two~device-1' });
    expect(await ask(await signToken(second, { exp }))).toBe('credentials_invalid');
    expect(await ask(await signToken(key, { exp, claims }))).toBe('credentials_invalid');
  });
});

describe('confusion of algorithms', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'r1', use: 'sig' };
  const payload = { ...CLAIMS, exp };

  test.each([
    ['its PEM', pem],
    ['its PEM without the last line end', pem.trimEnd()],
    ['its DER', publicKey.export({ format: 'der', type: 'spki' })],
    ['its modulus', Buffer.from(jwk.n ?? '', 'base64url')],
    ['its JSON', JSON.stringify(jwk)],
    ['nothing', ''],
  ])('HMAC with the public key as its secret (%s) is refused', async (_name, secret) => {
    const algorithms = ['RS256', 'HS256', 'none'];
    for (const alg of ['HS256', 'HS384', 'HS512', 'hs256']) {
      const { ask, keys } = setUp({ algorithms });
      keys(JSON.stringify({ keys: [jwk] }), { askAgainMs: 30_000 });
      const signed = unsigned({ alg, kid: 'r1' }, payload);
      const mac = createHmac('sha256', secret).update(signed).digest('base64url');
      expect(await ask(`${signed}.${mac}`)).toBe('credentials_invalid');
    }
  });

  test.each([['none'], ['None'], ['NONE'], ['nOnE'], [''], ['rs256'], ['Es256'], ['ES256 '], ['ES256K'], ['dir']])(
    'alg %j is refused, with and without a signature',
    async (alg) => {
      const { ask } = ready({ algorithms: [...MAIN.algorithms, 'none', alg] });
      const good = await signToken(key, { exp });
      const signature = good.slice(good.lastIndexOf('.') + 1);
      for (const end of ['', signature, 'AA']) {
        expect(await ask(`${unsigned({ alg, kid: 'k1' }, payload)}.${end}`)).toBe('credentials_invalid');
      }
    },
  );

  test('an algorithm that is not the issuer’s is refused, whatever its key is for', async () => {
    const { ask, faults } = ready({ algorithms: ['RS256'] });
    expect(await ask(await signToken(key, { exp }))).toBe('credentials_invalid');
    expect(await ask(await signToken(rsa, { exp }))).toMatchObject({ consumer: 'main~device-1' });
    expect(faults).toEqual(['algorithm']);
  });

  test('a key is for its own algorithm', async () => {
    const { ask } = ready({ algorithms: ['RS256', 'PS256', 'ES256'] });
    const [, claims = '', signature = ''] = (await signToken(rsa, { exp })).split('.');
    for (const alg of ['PS256', 'ES256', 'RS512']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: 'r1' })).toString('base64url');
      expect(await ask([header, claims, signature].join('.'))).toBe('credentials_invalid');
    }
  });
});

describe('its time', () => {
  test.each([
    ['ended 29 s ago', { exp: NOW - 29 }, 'main~device-1'],
    ['ended 30 s ago', { exp: NOW - 30 }, 'token_expired'],
    ['ended 31 s ago', { exp: NOW - 31 }, 'token_expired'],
    ['begins in 29 s', { exp, claims: { nbf: NOW + 29 } }, 'main~device-1'],
    ['begins in 30 s', { exp, claims: { nbf: NOW + 30 } }, 'main~device-1'],
    ['begins in 31 s', { exp, claims: { nbf: NOW + 31 } }, 'token_expired'],
  ])('with a skew of 30 s, one that %s', async (_name, parts, expected) => {
    const verdict = await ready().ask(await signToken(key, parts));
    expect(typeof verdict === 'string' ? verdict : verdict.consumer).toBe(expected);
  });

  test('ends at the same moment for who is known and for who is new', async () => {
    const { ask, clock } = ready();
    const token = await signToken(key, { exp: NOW + 5 });
    const fresh = async (): Promise<unknown> => ready().clock && (await ask(await signToken(key, { exp: NOW + 5 })));
    clock.wallMs += 34_999;
    expect([await ask(token), await fresh()]).toMatchObject([{ consumer: 'main~device-1' }, { method: 'jwt' }]);
    clock.wallMs += 1;
    expect([await ask(token), await fresh()]).toEqual(['token_expired', 'token_expired']);
  });

  test('one that is not valid yet is as soon as it is', async () => {
    const { ask, clock } = ready();
    const token = await signToken(key, { exp, claims: { nbf: NOW + 31 } });
    expect(await ask(token)).toBe('token_expired');
    clock.wallMs += 1_000;
    expect(await ask(token)).toMatchObject({ consumer: 'main~device-1' });
  });

  test('may have no end where the issuer may', async () => {
    const { ask } = ready({ requiresExpiry: false });
    expect(await ask(await signToken(key, {}))).toMatchObject({ expiresAtMs: Number.POSITIVE_INFINITY });
    expect(await ask(await signToken(key, { exp: NOW - 31 }))).toBe('token_expired');
  });
});
