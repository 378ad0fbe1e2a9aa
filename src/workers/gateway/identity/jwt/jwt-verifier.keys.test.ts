import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { keySet, signingKey, signToken } from '../../../../../test/support/token-issuer.ts';
import { MAIN, NOW, setUp } from './test-verifier.ts';

const exp = NOW + 600;
const [old, young] = [await signingKey('old'), await signingKey('young')];
const token = await signToken(old, { exp });
const youngToken = await signToken(young, { exp });
const KNOWN = { consumer: 'main~device-1' };

/** Whether it has settled by now; all that is under way here are verifications. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const turn = (): Promise<false> => new Promise((resolve) => setImmediate(resolve, false));
  for (let i = 0; i < 20; i++) if (await Promise.race([promise.then(() => true), turn()])) return true;
  return false;
}

describe('keys of an issuer', () => {
  test('that has none yet are waited for', async () => {
    const { ask, asked, keys } = setUp();
    const all = Promise.all([ask(token), ask(youngToken)]);
    expect(await settled(all)).toBe(false);
    keys(keySet(old, young), { askAgainMs: 30_000 });
    expect(await all).toMatchObject([KNOWN, KNOWN]);
    expect(asked).toEqual(['main']);
  });

  test('that cannot be had make nobody’s credentials wrong', async () => {
    const { ask, asked, keys, clock } = setUp();
    const first = ask(token);
    expect(await settled(first)).toBe(false);
    keys(undefined, { current: false, askAgainMs: 30_000 });
    expect(await first).toBe('identity_unavailable');
    clock.ms += 29_999;
    expect(await ask(token)).toBe('identity_unavailable');
    expect(asked).toEqual(['main']);
    clock.ms += 1;
    const again = ask(token);
    expect(await settled(again)).toBe(false);
    expect(asked).toEqual(['main', 'main']);
    keys(keySet(old), { askAgainMs: 30_000 });
    expect(await again).toMatchObject(KNOWN);
  });

  test('that grew too old make nobody’s credentials wrong, known ones neither', async () => {
    const { ask, keys, verifier } = setUp();
    keys(keySet(old), { askAgainMs: 30_000 });
    expect(await ask(token)).toMatchObject(KNOWN);
    keys(undefined, { current: false, askAgainMs: 30_000 });
    expect(verifier.known(token)).toBeUndefined();
    expect(await ask(token)).toBe('identity_unavailable');
  });

  test('that are old but in use: a key that is missing may be a new one', async () => {
    const { ask, keys } = setUp();
    keys(keySet(old), { current: false, askAgainMs: 30_000 });
    expect(await ask(token)).toMatchObject(KNOWN);
    expect(await ask(youngToken)).toBe('identity_unavailable');
  });

  test('rotate without one refusal', async () => {
    const { ask, asked, keys, clock } = setUp();
    keys(keySet(old));
    expect(await ask(token)).toMatchObject(KNOWN);
    const first = Promise.all([ask(youngToken), ask(youngToken)]);
    expect(await settled(first)).toBe(false);
    keys(keySet(old, young), { askAgainMs: 30_000 });
    expect(await first).toMatchObject([KNOWN, KNOWN]);
    expect(asked).toEqual(['main']);
    clock.ms += 30_000;
    keys(keySet(young));
    expect(await ask(youngToken)).toMatchObject(KNOWN);
    const gone = ask(token);
    expect(await settled(gone)).toBe(false);
    keys(keySet(young), { askAgainMs: 30_000 });
    expect(await gone).toBe('credentials_invalid');
  });

  test('news of another kind leaves who waits waiting', async () => {
    const { ask, asked, keys } = setUp();
    keys(keySet(old));
    const waiting = ask(youngToken);
    expect(await settled(waiting)).toBe(false);
    keys(keySet(old));
    expect(await settled(waiting)).toBe(false);
    keys(keySet(old, young));
    expect(await waiting).toMatchObject(KNOWN);
    expect(asked).toEqual(['main']);
  });

  test('a refusal is none any more when a key has come', async () => {
    const { ask, keys, verifier } = setUp();
    keys(keySet(old));
    const first = ask(youngToken);
    expect(await settled(first)).toBe(false);
    keys(keySet(old), { askAgainMs: 30_000 });
    expect(await first).toBe('credentials_invalid');
    expect(await ask(youngToken)).toBe('credentials_invalid');
    expect(verifier.known(youngToken)).toBe('credentials_invalid');
    keys(keySet(old, young), { askAgainMs: 20_000 });
    expect(await ask(youngToken)).toMatchObject(KNOWN);
  });

  test('a key that nobody has makes no new key wrong', async () => {
    const { ask, asked, keys, clock } = setUp();
    keys(keySet(old));
    const nobodys = ask(await signToken(young, { exp, header: { kid: 'nobody' } }));
    expect(await settled(nobodys)).toBe(false);
    keys(keySet(old), { askAgainMs: 30_000 });
    expect(await nobodys).toBe('credentials_invalid');
    expect(await ask(await signToken(young, { exp: exp + 1, header: { kid: 'nobody' } }))).toBe('credentials_invalid');
    clock.ms += 29_999;
    expect(await ask(youngToken)).toBe('identity_unavailable');
    clock.ms += 1;
    const found = ask(youngToken);
    expect(await settled(found)).toBe(false);
    keys(keySet(old, young), { askAgainMs: 30_000 });
    expect(await found).toMatchObject(KNOWN);
    expect(asked).toEqual(['main', 'main']);
  });

  test('nobody is asked for a key of a token that is over', async () => {
    const { ask, asked, keys } = setUp();
    keys(keySet(old));
    expect(await ask(await signToken(young, { exp: NOW - 60 }))).toBe('token_expired');
    expect(asked).toEqual([]);
  });

  test('without a name are tried for every token', async () => {
    const { ask, keys } = setUp();
    const nameless = JSON.stringify({ keys: [old, young].map(({ jwk }) => ({ ...jwk, kid: undefined })) });
    keys(nameless, { askAgainMs: 30_000 });
    expect([await ask(token), await ask(youngToken)]).toMatchObject([KNOWN, KNOWN]);
    expect(await ask(await signToken(await signingKey('old'), { exp }))).toBe('credentials_invalid');
  });

  test('that go while a token is verified with them have verified nothing', async () => {
    const { ask, keys, verifier } = setUp();
    keys(keySet(old), { askAgainMs: 30_000 });
    const under = ask(token);
    keys(keySet(young), { askAgainMs: 30_000 });
    expect(await under).toBe('identity_unavailable');
    expect(verifier.known(token)).not.toMatchObject(KNOWN);
  });

  test('of an issuer that is taken away end what waits', async () => {
    const { ask, settings, verifier } = setUp();
    const waiting = ask(token);
    verifier.configure({ ...settings, issuers: [] });
    expect(await waiting).toBe('identity_unavailable');
    expect(await ask(token)).toBe('credentials_invalid');
  });
});

describe('what is known of a token', () => {
  test('is its identity, the same object, until its time is over', async () => {
    const { ask, keys, verifier, clock } = setUp();
    keys(keySet(old), { askAgainMs: 30_000 });
    const identity = await ask(token);
    clock.ms += 59_999;
    expect(verifier.known(token)).toBe(identity);
    clock.ms += 1;
    expect(verifier.known(token)).toBeUndefined();
    expect(await ask(token)).toEqual(identity);
  });

  test('lasts 300 s, however long it may be kept', async () => {
    const { ask, keys, verifier, clock } = setUp({}, { cacheMs: 3_600_000 });
    keys(keySet(old), { askAgainMs: 30_000 });
    await ask(token);
    clock.ms += 299_999;
    expect(verifier.known(token)).toMatchObject(KNOWN);
    clock.ms += 1;
    expect(verifier.known(token)).toBeUndefined();
  });

  test('is nothing where the configuration says something else now', async () => {
    const { ask, keys, verifier, settings } = setUp();
    keys(keySet(old), { askAgainMs: 30_000 });
    const identity = await ask(token);
    verifier.configure({ ...settings, issuers: [{ ...MAIN }], profiles: new Set(settings.profiles) });
    expect(verifier.known(token)).toBe(identity);
    verifier.configure({ ...settings, issuers: [{ ...MAIN, profile: 'web' }] });
    expect(verifier.known(token)).toBeUndefined();
    expect(await ask(token)).toMatchObject({ profile: 'web' });
    const under = setUp();
    under.keys(keySet(old), { askAgainMs: 30_000 });
    const before = under.verify(token);
    under.verifier.configure({ ...under.settings, issuers: [{ ...MAIN, profile: 'web' }] });
    expect(await under.ask(token)).toMatchObject({ profile: 'web' });
    await before;
    expect(under.verifier.known(token)).toMatchObject({ profile: 'web' });
  });

  test('a profile that does not exist is the issuer’s own', async () => {
    const { ask, keys } = setUp();
    keys(keySet(old), { askAgainMs: 30_000 });
    for (const plan of ['gold', '', 7, ['web'], '__proto__']) {
      expect(await ask(await signToken(old, { exp, claims: { plan } }))).toMatchObject({ profile: 'iot' });
    }
  });

  test.each([
    ['x'.repeat(8_193)],
    [`${token}${'A'.repeat(8_193)}`],
    [`${token}.`],
    [`${token}=`],
    [` ${token}`],
    [`${token}\n`],
    [token.slice(0, token.lastIndexOf('.') + 1)],
    ['a.b.c.d.e'],
    ['..'],
    [''],
  ])('%.20s… is refused by its form', (text) => {
    const { verifier } = setUp();
    expect([verifier.isMalformed(text), verifier.known(text)]).toEqual([true, 'credentials_invalid']);
  });

  test('20,000 different tokens are no more than fit, and those in use stay', async () => {
    const { ask, keys, verifier } = setUp({}, { cacheEntries: 500 });
    keys(keySet(old), { askAgainMs: Number.POSITIVE_INFINITY });
    const known = [await ask(token)];
    const [header = '', claims = ''] = token.split('.');
    for (let i = 0; i < 20_000; i++) {
      // As many verifications would take a minute: most of them are refused before.
      const different = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `old`, i })).toString('base64url');
      const signature = Buffer.from(`${i}`.padStart(64)).toString('base64url');
      const wrong = i % 20 === 0 ? [different, claims, signature] : [`${header}${i}`, claims, signature];
      await ask(wrong.join('.'));
      if (i % 100 === 0) known.push(verifier.known(token) ?? 'credentials_invalid');
    }
    expect(new Set(known)).toEqual(new Set([await ask(token)]));
    expect(verifier.remembered).toBe(1 + 62);
    for (let i = 0; i < 600; i++) await ask(await signToken(old, { exp, claims: { sub: `device-${i}` } }));
    expect(verifier.remembered).toBe(500 + 62);
  });
});

const bytesOf = (text: string): string =>
  text
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('hex'))
    .join('.');

property.prop([
  fc.nat({ max: token.length - 1 }),
  fc.constantFrom('A', 'Z', 'a', 'z', '0', '9', '-', '_', '.', '=', '%', '\0', 'é'),
])('a token with another character is never anybody', async (at, character) => {
  const changed = token.slice(0, at) + character + token.slice(at + 1);
  fc.pre(bytesOf(changed) !== bytesOf(token)); // the last character has bits that no signature covers
  const { ask, keys } = setUp();
  keys(keySet(old), { askAgainMs: Number.POSITIVE_INFINITY });
  expect(['credentials_invalid', 'token_expired']).toContain(await ask(changed));
});

property.prop([fc.json(), fc.json(), fc.base64String()])(
  'whatever is in a token, it is judged',
  async (header, claims, end) => {
    const { ask, keys } = setUp();
    keys(keySet(old), { askAgainMs: Number.POSITIVE_INFINITY });
    const text = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
    expect(await ask(`${text}.${end}`)).toBe('credentials_invalid');
  },
);
