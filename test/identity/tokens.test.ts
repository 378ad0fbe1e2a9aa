import { execFileSync } from 'node:child_process';
import { createHmac, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { get } from '../support/requests.ts';
import type { Reply } from '../support/requests.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer, unsigned } from '../support/token-issuer.ts';
import type { SigningKey } from '../support/token-issuer.ts';
import { until, untilPasses } from '../support/wait.ts';
import { startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const exp = Math.floor(wallClockMs() / 1_000) + 3_600;
const code = ({ status, body }: Reply): unknown =>
  status === 200 ? 'ok' : (JSON.parse(body) as { code: unknown }).code;
const fileOf = (keys: string): string => `
issuers:
  main: { issuer: "${CLAIMS.iss}", audience: [api], ${keys}, profile: iot, profile_claim: plan, groups_claim: groups }
routes:
  - { path: /t, upstream: o, authenticate: [jwt] }
  - { path: /fleet, upstream: o, authenticate: [jwt], allow: { groups: [fleet], scopes: ["telemetry:write"] } }`;
const start = (keys: string, env: Readonly<Record<string, string>> = {}): Promise<Keyed> =>
  startKeyed(fileOf(keys), { env: { AUTH_FAILURE_CAPACITY: '100000', ...env } });
const send = (keyed: Keyed, token: string, path = '/t'): Promise<Reply> =>
  get(keyed.port, { path, headers: { authorization: `Bearer ${token}` } });

const closing: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of closing.toReversed()) await each[Symbol.asyncDispose]();
});
const closed = <Kind extends AsyncDisposable>(it: Kind): Kind => {
  closing.push(it);
  return it;
};

describe('tokens of an issuer that publishes its keys', () => {
  let [keyed, es, rsa]: [Keyed?, SigningKey?, SigningKey?] = [];
  const all = () => ({
    keyed: keyed as Keyed,
    es: es as SigningKey,
    rsa: rsa as SigningKey,
  });
  beforeAll(async () => {
    [es, rsa] = [await signingKey('e'), await signingKey('r', 'RS256')];
    const issuer = closed(await tokenIssuer(es, rsa));
    keyed = closed(await start(`jwks_url: "${issuer.url}"`, { WORKERS: '2' }));
  });

  test('the upstream hears whose it is, and not the token', async () => {
    const { keyed, es } = all();
    const claims = { plan: 'partner', groups: ['fleet'], scope: 'telemetry:write' };
    const token = await signToken(es, { exp, claims });
    for (let n = 0; n < 4; n++) expect(code(await send(keyed, token, '/fleet'))).toBe('ok');
    const { raw } = keyed.upstream.requests.at(-1) ?? { raw: '' };
    expect(raw).toMatch(/x-consumer-id: main~device-1\r\nx-consumer-profile: partner\r\nx-consumer-groups: fleet/);
    expect(raw).not.toContain(token);
    expect(code(await send(keyed, await signToken(es, { exp }), '/fleet'))).toBe('not_allowed');
  });

  test('whatever is wrong with one is 401, and says nothing of why', async () => {
    const { keyed, es, rsa } = all();
    const claims = { ...CLAIMS, exp };
    const good = await signToken(es, { exp });
    const pem = createPublicKey({ key: { ...rsa.jwk }, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
    const confused = unsigned({ alg: 'HS256', kid: 'r' }, claims);
    const wrong = [
      `${unsigned({ alg: 'none', kid: 'e' }, claims)}.`,
      `${unsigned({ alg: 'nOnE', kid: 'e' }, claims)}.AA`,
      `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`,
      await signToken(es, { exp, header: { kid: '../../etc/passwd' } }),
      await signToken(es, { exp, header: { kid: 'r' } }),
      await signToken(es, { exp, claims: { aud: 'other' } }),
      await signToken(es, { exp, claims: { iss: 'https://other.test/' } }),
      await signToken(await signingKey('e'), { exp }),
      `${good.slice(0, -8)}AAAAAAAA`,
      'x',
      `${good}${'A'.repeat(8_192)}`,
    ];
    for (const token of wrong) {
      const answer = await send(keyed, token);
      expect([token, answer.status, code(answer)]).toEqual([token, 401, 'credentials_invalid']);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(JSON.parse(answer.body)).toMatchObject({ detail: 'The credentials are not valid.' });
    }
    const over = await send(keyed, await signToken(es, { exp: exp - 3_600 - 31 }));
    expect([over.status, code(over)]).toEqual([401, 'token_expired']);
    const logged = JSON.stringify(keyed.gateway.log);
    for (const token of wrong.slice(0, 9)) expect(logged).not.toContain(token);
    expect(logged).toContain('its aud is for somebody else');
  });

  test('keys rotate without one refusal, and keys that nobody has cost one fetch', async () => {
    const [es, rsa] = [await signingKey('e'), await signingKey('r', 'RS256')];
    await using issuer = await tokenIssuer(es, rsa);
    await using keyed = await start(`jwks_url: "${issuer.url}"`, { WORKERS: '2' });
    expect(code(await send(keyed, await signToken(rsa, { exp })))).toBe('ok');
    const young = await signingKey('young');
    const before = issuer.asked();
    issuer.publish(young, es, rsa);
    const tokens = await Promise.all(
      Array.from({ length: 40 }, (_, i) => signToken(i % 2 === 0 ? young : es, { exp, claims: { sub: `d${i}` } })),
    );
    const answers = await Promise.all(tokens.map((token) => send(keyed, token)));
    expect(answers.map(code)).toEqual(tokens.map(() => 'ok'));
    const nobodys = await signingKey('nobody');
    const unknown = await Promise.all(
      Array.from({ length: 40 }, (_, i) => signToken(nobodys, { exp, header: { kid: `nobody-${i}` } })),
    );
    const refused = await Promise.all(unknown.map((token) => send(keyed, token)));
    expect(refused.map(code)).toEqual(unknown.map(() => 'identity_unavailable'));
    expect(issuer.asked() - before).toBe(1);
  });
});

test('an issuer that is down at the start makes nobody’s token wrong, and is found when it comes', async () => {
  const key = await signingKey('k');
  const issuer = closed(await tokenIssuer(key));
  await issuer.down();
  const keyed = closed(await start(`jwks_url: "${issuer.url}"`));
  const { gateway } = keyed;
  const token = await signToken(key, { exp });
  const answer = await send(keyed, token);
  expect([answer.status, code(answer), answer.headers['retry-after']]).toEqual([503, 'identity_unavailable', '5']);
  const health = async (): Promise<string> => (await get(gateway.port, '/health')).body;
  await until(async () => (await health()).includes('issuer main: its keys cannot be had (ECONNREFUSED)'));
  const metrics = async (): Promise<string> => (await get(gateway.adminPort, '/metrics')).body;
  expect(await metrics()).toContain('jwks_keys{issuer="main"} 0');
  expect(await metrics()).toContain('jwks_refresh_interval_seconds{issuer="main"} 600');
  await issuer.up();
  await untilPasses(async () => expect(code(await send(keyed, token))).toBe('ok'));
  await until(async () => (await health()) === '{"status":"ok"}\n');
  expect(await metrics()).toMatch(
    /jwks_keys\{issuer="main"\} 1\n[^]*jwks_last_success_timestamp_seconds\{issuer="main"\} \d/,
  );
  expect(gateway.log.map(({ msg }) => msg)).toContain('issuer main: its keys are there again');
});

describe('tokens that only openssl has made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-tokens-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): Buffer =>
    execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

  const KINDS = {
    RS256: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    ES256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    EdDSA: ['-algorithm', 'ED25519'],
  } as const;

  function makeKey(alg: keyof typeof KINDS, name: string): void {
    openssl('genpkey', ...KINDS[alg], '-out', path(`${name}.key`));
    openssl('pkey', '-in', path(`${name}.key`), '-pubout', '-out', path(`${name}.pem`));
  }

  function sign(alg: keyof typeof KINDS, name: string): string {
    const text = unsigned({ alg, typ: 'JWT' }, { ...CLAIMS, exp });
    writeFileSync(path('text'), text);
    const key = path(`${name}.key`);
    const signature =
      alg === 'EdDSA'
        ? openssl('pkeyutl', '-sign', '-rawin', '-inkey', key, '-in', path('text'))
        : openssl('dgst', '-sha256', '-sign', key, path('text'));
    return `${text}.${(alg === 'ES256' ? withoutDer(signature) : signature).toString('base64url')}`;
  }

  /** Two numbers of 32 bytes, of the SEQUENCE of two INTEGERs that they are for openssl. */
  function withoutDer(der: Buffer): Buffer {
    const first = der.subarray(4, 4 + (der[3] ?? 0));
    const second = der.subarray(4 + first.length + 2);
    return Buffer.concat([first, second].map((each) => Buffer.concat([Buffer.alloc(32), each]).subarray(-32)));
  }

  test.each(['RS256', 'ES256', 'EdDSA'] as const)(
    '%s, and the file with their key changes with a reload',
    async (alg) => {
      for (const name of ['old', 'new', 'other']) makeKey(alg, name);
      writeFileSync(path('used.pem'), readFileSync(path('old.pem')));
      const keys = `public_key_file: ${path('used.pem')}`;
      await using keyed = await start(keys);
      const [old, next, other] = [sign(alg, 'old'), sign(alg, 'new'), sign(alg, 'other')];
      const seen = async (): Promise<unknown[]> => {
        const codes = [];
        for (const token of [old, next, other]) codes.push(code(await send(keyed, token)));
        return codes;
      };
      expect(await seen()).toEqual(['ok', 'credentials_invalid', 'credentials_invalid']);
      writeFileSync(
        path('used.pem'),
        `${readFileSync(path('old.pem'), 'utf8')}${readFileSync(path('new.pem'), 'utf8')}`,
      );
      await keyed.reload(fileOf(keys));
      expect(await seen()).toEqual(['ok', 'ok', 'credentials_invalid']);
      writeFileSync(path('used.pem'), readFileSync(path('new.key'))); // a mistake: what was there stays
      await keyed.reload(fileOf(keys));
      expect(await seen()).toEqual(['ok', 'ok', 'credentials_invalid']);
      expect((await get(keyed.port, '/health')).body).toContain('it is a private key');
      writeFileSync(path('used.pem'), readFileSync(path('new.pem')));
      await keyed.reload(fileOf(keys));
      expect(await seen()).toEqual(['credentials_invalid', 'ok', 'credentials_invalid']);
    },
  );
});
