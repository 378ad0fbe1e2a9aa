import { describe, expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { readConfig } from '../../src/shared/config/read-config.ts';
import type { Verdict } from '../../src/shared/identity/identity.ts';
import { createLog } from '../../src/shared/log.ts';
import { JwksControl } from '../../src/primary/identity/jwks/jwks-control.ts';
import { NameCache } from '../../src/primary/names/name-cache.ts';
import { ThreadTokens } from '../../src/workers/gateway/identity/jwt/thread-tokens.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import type { TokenIssuer } from '../support/token-issuer.ts';
import { until } from '../support/wait.ts';

const exp = Math.floor(wallClockMs() / 1_000) + 3_600;
const key = await signingKey('k');

/** The front's part and a thread's, as main.ts joins them, without the threads; `times` are not to be had from outside. */
function join(issuer: TokenIssuer, times: { readonly jwksRefreshMs: number; readonly jwksStaleMs: number }) {
  const yaml = `
upstreams: { o: { url: "http://127.0.0.1:1" } }
issuers: { main: { issuer: "${CLAIMS.iss}", audience: [api], jwks_url: "${issuer.url}" } }
routes: [{ path: /, upstream: o, authenticate: [jwt] }]`;
  const read = readConfig({ GATEWAY_CONFIG: '/gateway.yaml', IDENTITY_CACHE_SECONDS: '1' }, () => yaml);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const config = { identities: { ...read.config.identities, ...times } };
  const log = createLog({ level: 'silent', name: 'test' });
  const reasons: string[] = [];
  const threads: ThreadTokens[] = [];
  const control = new JwksControl({
    config,
    serves: true,
    stateDir: undefined,
    log,
    events: { add: () => {} },
    names: new NameCache({ find: () => Promise.resolve({ kind: 'none', code: 'ENOTFOUND' }) }),
    degraded: { set: (_part, now) => void reasons.splice(0, reasons.length, ...now) },
    tellAll: (message) => {
      for (const each of threads) each.receive(message);
    },
    send: (slot, message) => threads[slot]?.receive(message),
  });
  const thread = (): ThreadTokens => {
    const slot = threads.length;
    const issuerKeys = control.forThread();
    const made = new ThreadTokens({ config, issuerKeys, log, post: (message) => control.receive(slot, message) });
    threads.push(made);
    return made;
  };
  const ask = async (of: ThreadTokens, token: string): Promise<string> => {
    const verdict = of.known(token) ?? (await new Promise<Verdict>((done) => of.verify(token, done)));
    return typeof verdict === 'string' ? verdict : 'ok';
  };
  return { control, thread, ask, reasons, [Symbol.asyncDispose]: () => control.close() };
}

describe('an issuer', () => {
  test('that is down for as long as its keys may be old costs nobody anything, then 503, and never 401', async () => {
    await using issuer = await tokenIssuer(key);
    await using joined = join(issuer, { jwksRefreshMs: 50, jwksStaleMs: 1_500 });
    const { thread, ask, control, reasons } = joined;
    const first = thread();
    let number = 0;
    const fresh = (): Promise<string> => signToken(key, { exp, claims: { sub: `d${number++}` } });
    const known = await fresh();
    expect(await ask(first, known)).toBe('ok');
    await issuer.down();
    await until(() => reasons.some((reason) => reason.endsWith('those of before are used')));
    const second = thread();
    const seen: string[] = [];
    await until(async () => {
      for (const of of [first, second]) seen.push(await ask(of, known), await ask(of, await fresh()));
      return control.views()[0]?.keys === 0;
    });
    const [good, rest] = [
      seen.slice(0, seen.indexOf('identity_unavailable')),
      seen.slice(seen.indexOf('identity_unavailable')),
    ];
    expect(new Set(good)).toEqual(new Set(['ok']));
    expect(new Set(rest)).toEqual(new Set(['identity_unavailable']));
    expect(await ask(second, known)).toBe('identity_unavailable');
    expect(reasons).toEqual(['issuer main: its keys cannot be had (ECONNREFUSED), its tokens get 503']);
    await issuer.up();
    await until(async () => (await ask(second, known)) === 'ok');
    expect([await ask(first, await fresh()), reasons]).toEqual(['ok', []]);
  });

  test('that answers with rubbish has failed: what was there is used', async () => {
    await using issuer = await tokenIssuer(key);
    await using joined = join(issuer, { jwksRefreshMs: 20, jwksStaleMs: 600_000 });
    const { thread, ask, reasons } = joined;
    const of = thread();
    const answers: readonly [Parameters<TokenIssuer['answer']>[0], string][] = [
      [(_, answer) => answer.end('<html>'), 'it is not JSON'],
      [(_, answer) => answer.end('{"keys":[]}'), 'it has no key'],
      [(_, answer) => answer.writeHead(503).end(), 'it answers 503'],
      [(_, answer) => answer.writeHead(301, { location: issuer.url }).end(), 'it answers 301'],
      [(_, answer) => answer.end('x'.repeat(300_000)), 'more than 256 KiB'],
    ];
    expect(await ask(of, await signToken(key, { exp }))).toBe('ok');
    for (const [answer, why] of answers) {
      issuer.publish(key);
      await until(() => reasons.length === 0);
      issuer.answer(answer);
      await until(() => reasons[0]?.includes(why) === true, { describe: () => [why, reasons] });
      expect(await ask(of, await signToken(key, { exp, claims: { sub: why } }))).toBe('ok');
    }
  });

  test('that takes its time keeps the first tokens waiting, and answers them all', async () => {
    await using issuer = await tokenIssuer(key);
    let release = (): void => {};
    issuer.answer((_, answer) => (release = () => answer.end(JSON.stringify({ keys: [key.jwk] }))));
    await using joined = join(issuer, { jwksRefreshMs: 600_000, jwksStaleMs: 600_000 });
    const { thread, ask } = joined;
    const of = thread();
    const tokens = await Promise.all([1, 2, 3].map((n) => signToken(key, { exp, claims: { sub: `d${n}` } })));
    const waiting = Promise.all(tokens.map((token) => ask(of, token)));
    await until(() => issuer.asked() === 1);
    release();
    expect(await waiting).toEqual(['ok', 'ok', 'ok']);
    expect(issuer.asked()).toBe(1);
  });
});
