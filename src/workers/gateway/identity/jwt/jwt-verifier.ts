import { JOSEError, JWSSignatureVerificationFailed, JWTClaimValidationFailed, JWTExpired } from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import type { JWTVerifyOptions } from 'jose/jwt/verify';
import type { Identity, IdentityRefusal, Verdict } from '../../../../shared/identity/identity.ts';
import { isRefusal } from '../../../../shared/identity/identity.ts';
import type { IssuerConfig } from '../../../../shared/config/identity/types.ts';
import type { IssuerKeys } from '../../../../shared/identity/jwt-messages.ts';
import { TOKEN_ALGORITHMS } from '../../../../shared/identity/public-key.ts';
import type { TokenAlgorithm } from '../../../../shared/identity/public-key.ts';
import type { Verifier } from '../verifier.ts';
import { identityOfClaims } from './consumer-of-claims.ts';
import type { RingKey } from './issuer-ring.ts';
import { IssuerRings } from './issuer-rings.ts';
import { isToken, readToken } from './token.ts';
import type { TokenClaims } from './token.ts';
import { VerdictCache } from './verdict-cache.ts';
import type { Kept } from './verdict-cache.ts';

/** A token is verified again after this at the latest, however long it and IDENTITY_CACHE_SECONDS last. */
const LONGEST_KEPT_MS = 300_000;
/** A wrong token is looked at again after this. */
const REFUSAL_KEPT_MS = 5_000;
/** Refusals are kept apart, so that many wrong tokens drive out no good one; so many for each of those. */
const REFUSALS_SHARE = 1 / 8;
/** Usual tokens have fewer characters; where they have more, fewer of them are kept. */
const CHARACTERS_OF_ONE = 1_024;
/** Tokens under way at once; more are told to come again. */
const MOST_UNDER_WAY = 1_000;
/** Its issuer's keys changed while a token was verified: how often it is begun anew. */
const MOST_TURNS = 3;

/** Why a token was refused, for operators. */
export type TokenFault =
  | 'unreadable'
  | 'issuer'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'audience'
  | 'claims'
  | 'consumer';

/** What is to be verified, and how long that is kept. */
export interface JwtSettings {
  readonly issuers: readonly IssuerConfig[];
  /** Names of the profiles that there are. */
  readonly profiles: ReadonlySet<string>;
  readonly cacheMs: number;
  readonly cacheEntries: number;
}

export interface JwtVerifierOptions {
  readonly settings: JwtSettings;
  /** What the front had when the thread was made. */
  readonly keys: readonly IssuerKeys[];
  /** Asks the front for a key of this issuer that is missing. */
  readonly ask: (issuer: string) => void;
  /** @param issuer '' = of none that is known */
  readonly onRefused: (fault: TokenFault, issuer: string) => void;
  readonly wallClockMs: () => number;
  readonly monotonicMs: () => number;
}

interface KeptIdentity extends Kept {
  readonly identity: Identity;
  readonly key: RingKey;
}

interface KeptRefusal extends Kept {
  readonly refusal: IdentityRefusal;
}

/** A token with what it is verified by. */
interface SignedToken {
  readonly token: string;
  readonly issuer: IssuerConfig;
  readonly algorithm: TokenAlgorithm;
}

/** What came of a token. */
interface Judgement {
  readonly verdict: Verdict;
  /** What it was verified with; set exactly where `verdict` is an identity. */
  readonly key?: RingKey;
  /** A refusal that may be another one in a moment. */
  readonly passing?: true;
}

/**
 * Verifies signed tokens (RFC 7519) of the issuers that are configured. WebCrypto does it on libuv's pool, so the thread's
 * loop only reads them; the keys come from the front.
 */
export class JwtVerifier implements Verifier {
  readonly #options: JwtVerifierOptions;
  readonly #rings: IssuerRings;
  readonly #good: VerdictCache<KeptIdentity>;
  readonly #refused: VerdictCache<KeptRefusal>;
  /** Who waits for a token, which is verified once for all of them. */
  readonly #underWay = new Map<string, ((verdict: Verdict) => void)[]>();
  /** The same object as long as they say the same. */
  #settings: JwtSettings;
  /** By `iss`. */
  #issuers: ReadonlyMap<string, IssuerConfig> = new Map();
  /** How often the front has told of keys. */
  #news = 0;

  constructor(options: JwtVerifierOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#rings = new IssuerRings(options);
    this.#good = new VerdictCache(boundsOf(options.settings.cacheEntries));
    this.#refused = new VerdictCache(boundsOf(options.settings.cacheEntries * REFUSALS_SHARE));
    this.configure(options.settings);
    for (const keys of options.keys) this.take(keys);
  }

  /** Tokens that are remembered, for the leak check. */
  get remembered(): number {
    return this.#good.size + this.#refused.size;
  }

  /** A new configuration. What was verified is forgotten where it says anything else of tokens. */
  configure(settings: JwtSettings): void {
    const before = this.#settings;
    this.#issuers = new Map(settings.issuers.map((issuer) => [issuer.issuer, issuer]));
    this.#rings.keepOnly(new Set(settings.issuers.map(({ name }) => name)));
    this.#good.configure(boundsOf(settings.cacheEntries));
    this.#refused.configure(boundsOf(settings.cacheEntries * REFUSALS_SHARE));
    if (before !== settings && textOf(before) === textOf(settings)) return;
    this.#settings = settings;
    this.#good.clear();
    this.#refused.clear();
    this.#underWay.clear(); // who waits is answered; who comes now is verified as is configured now
  }

  /** From the front. What a key that is gone has verified is known no more; a new one may verify what was refused. */
  take(keys: IssuerKeys): void {
    this.#refused.clear();
    this.#news++;
    this.#rings.of(keys.issuer).take(keys);
  }

  known(credential: string): Verdict | undefined {
    const nowMs = this.#options.monotonicMs();
    const good = this.#good.get(credential);
    if (good !== undefined) {
      if (good.identity.expiresAtMs <= this.#options.wallClockMs()) return 'token_expired';
      if (good.untilMs > nowMs && !good.key.gone) return good.identity;
      this.#good.delete(credential);
      return undefined;
    }
    const refused = this.#refused.get(credential);
    if (refused !== undefined && refused.untilMs > nowMs) return refused.refusal;
    return this.isMalformed(credential) ? 'credentials_invalid' : undefined;
  }

  isMalformed(credential: string): boolean {
    return !isToken(credential);
  }

  verify(credential: string, done: (verdict: Verdict) => void): void {
    const others = this.#underWay.get(credential);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    if (this.#underWay.size >= MOST_UNDER_WAY) {
      queueMicrotask(() => done('identity_unavailable'));
      return;
    }
    const waiting = [done];
    this.#underWay.set(credential, waiting);
    const [settings, news] = [this.#settings, this.#news];
    void this.#judge(credential).then((judgement) => {
      const { verdict, key } = judgement;
      if (this.#underWay.get(credential) === waiting) this.#underWay.delete(credential);
      if (isRefusal(verdict)) {
        if (settings === this.#settings && news === this.#news) this.#keepRefusal(credential, judgement);
      } else if (settings === this.#settings && key?.gone === false) this.#keepGood(credential, verdict, key);
      for (const each of waiting) each(verdict);
    });
  }

  /** Ends what waits for keys. */
  close(): void {
    this.#rings.keepOnly(new Set());
  }

  #keepGood(credential: string, identity: Identity, key: RingKey): void {
    const untilMs = this.#options.monotonicMs() + Math.min(this.#settings.cacheMs, LONGEST_KEPT_MS);
    this.#good.put(credential, { identity, key, untilMs, used: false });
  }

  #keepRefusal(credential: string, { verdict, passing }: Judgement): void {
    if (!isRefusal(verdict) || verdict === 'identity_unavailable' || passing === true) return;
    const untilMs = this.#options.monotonicMs() + REFUSAL_KEPT_MS;
    this.#refused.put(credential, { refusal: verdict, untilMs, used: false });
  }

  /** Never rejects. */
  async #judge(token: string): Promise<Judgement> {
    const claims = isToken(token) ? readToken(token) : undefined;
    if (claims === undefined) return this.#refuse('unreadable', '');
    const issuer = this.#issuers.get(claims.iss);
    if (issuer === undefined) return this.#refuse('issuer', '');
    const algorithm = TOKEN_ALGORITHMS.find((each) => each === claims.alg);
    if (algorithm === undefined || !issuer.algorithms.includes(algorithm))
      return this.#refuse('algorithm', issuer.name);
    const ring = this.#rings.of(issuer.name);
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const keys = ring.candidates(claims.kid, algorithm);
      const judgement = await this.#tryKeys({ token, issuer, algorithm }, keys);
      if (judgement?.key?.gone === true) continue;
      if (judgement !== undefined) return judgement;
      if (ring.hasNamed(claims.kid)) return this.#refuse('signature', issuer.name);
      if (this.#isOver(claims, issuer)) return { verdict: 'token_expired' };
      const outcome = await ring.missing(keys.length > 0 ? undefined : claims.kid);
      if (outcome === 'unavailable') return { verdict: 'identity_unavailable' };
      if (outcome === 'unknown') return this.#refuse('key', issuer.name);
    }
    return { verdict: 'identity_unavailable' };
  }

  /** @returns `undefined`: none of them has signed it */
  async #tryKeys(signed: SignedToken, keys: readonly RingKey[]): Promise<Judgement | undefined> {
    for (const key of keys) {
      const judgement = await this.#tryKey(signed, key);
      if (judgement !== undefined) return judgement;
    }
    return undefined;
  }

  async #tryKey({ token, issuer, algorithm }: SignedToken, key: RingKey): Promise<Judgement | undefined> {
    try {
      const { payload } = await jwtVerify(token, await key.for(algorithm), {
        ...this.#checksOf(issuer),
        algorithms: [algorithm],
      });
      const identity = identityOfClaims(payload, issuer, this.#settings.profiles);
      return identity === undefined ? this.#refuse('consumer', issuer.name) : { verdict: identity, key };
    } catch (error) {
      if (error instanceof JWSSignatureVerificationFailed) return undefined;
      return this.#judgeError(error, issuer);
    }
  }

  #judgeError(error: unknown, { name }: IssuerConfig): Judgement {
    if (error instanceof JWTExpired) return { verdict: 'token_expired' };
    if (error instanceof JWTClaimValidationFailed) {
      const { claim, reason } = error;
      if (claim === 'nbf' && reason === 'check_failed') return { verdict: 'token_expired', passing: true };
      return this.#refuse(claim === 'aud' ? 'audience' : 'claims', name);
    }
    if (error instanceof JOSEError) return this.#refuse('unreadable', name);
    return { verdict: 'identity_unavailable' }; // nothing of the token's: memory, or the library
  }

  #checksOf({ issuer, audience, clockSkewMs, requiresExpiry, type }: IssuerConfig): JWTVerifyOptions {
    return {
      issuer,
      clockTolerance: clockSkewMs / 1_000,
      currentDate: new Date(this.#options.wallClockMs()),
      requiredClaims: requiresExpiry ? ['exp'] : [],
      ...(audience.length === 0 ? {} : { audience: [...audience] }),
      ...(type === undefined ? {} : { typ: type }),
    };
  }

  /** Its issuer is asked for no key of a token that is over in any case. */
  #isOver({ exp }: TokenClaims, { clockSkewMs }: IssuerConfig): boolean {
    return exp !== undefined && exp * 1_000 + clockSkewMs <= this.#options.wallClockMs();
  }

  #refuse(fault: TokenFault, issuer: string): Judgement {
    this.#options.onRefused(fault, issuer);
    return { verdict: 'credentials_invalid' };
  }
}

const boundsOf = (entries: number): { readonly entries: number; readonly characters: number } => ({
  entries,
  characters: entries * CHARACTERS_OF_ONE,
});

const textOf = (settings: JwtSettings): string => JSON.stringify([settings, [...settings.profiles]]);
