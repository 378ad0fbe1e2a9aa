import { readJwks } from '../../../../shared/identity/public-key.ts';
import type { Verdict } from '../../../../shared/identity/identity.ts';
import type { IssuerConfig } from '../../../../shared/config/identity/types.ts';
import { JwtVerifier } from './jwt-verifier.ts';
import type { JwtSettings } from './jwt-verifier.ts';

export const NOW_MS = 1_800_000_000_000;
export const NOW = NOW_MS / 1_000;

export const MAIN: IssuerConfig = {
  name: 'main',
  issuer: 'https://idp.test/',
  audience: ['api'],
  keySource: { kind: 'jwks_url', url: 'https://idp.test/keys' },
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  clockSkewMs: 30_000,
  requiresExpiry: true,
  type: undefined,
  consumerClaim: 'sub',
  profile: 'iot',
  profileClaim: 'plan',
  groupsClaim: 'groups',
};

/** A verifier with a clock of its own; `keys` is what the front tells it. */
export function setUp(issuer: Partial<IssuerConfig> = {}, settings: Partial<JwtSettings> = {}) {
  const clock = { wallMs: NOW_MS, ms: 0 };
  const asked: string[] = [];
  const faults: string[] = [];
  const all: JwtSettings = {
    issuers: [{ ...MAIN, ...issuer }],
    profiles: new Set(['iot', 'web', 'partner']),
    cacheMs: 60_000,
    cacheEntries: 1_000,
    ...settings,
  };
  const verifier = new JwtVerifier({
    settings: all,
    keys: [],
    ask: (name) => void asked.push(name),
    onRefused: (fault) => void faults.push(fault),
    wallClockMs: () => clock.wallMs,
    monotonicMs: () => clock.ms,
  });
  /** @param askAgainMs 0 = nobody has asked of late */
  const keys = (set: string | undefined, { current = true, askAgainMs = 0, of = 'main' } = {}): void => {
    const read = set === undefined ? undefined : readJwks(set);
    if (read?.ok === false) throw new Error(read.why);
    verifier.take({ issuer: of, keys: read?.keys, current, askAgainMs });
  };
  const verify = (token: string): Promise<Verdict> => new Promise((done) => verifier.verify(token, done));
  /** As a request asks. */
  const ask = async (token: string): Promise<Verdict> => verifier.known(token) ?? (await verify(token));
  return { verifier, settings: all, clock, asked, faults, keys, verify, ask };
}
