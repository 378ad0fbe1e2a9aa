import { monotonicMs, wallClockMs } from '../../../../shared/clock.ts';
import type { Config } from '../../../../shared/config/types.ts';
import type { Identity, Verdict } from '../../../../shared/identity/identity.ts';
import type { FromJwtThread, IssuerKeys, ToJwtThread } from '../../../../shared/identity/jwt-messages.ts';
import type { Log } from '../../../../shared/log.ts';
import type { Verifier } from '../verifier.ts';
import type { JwtSettings, JwtVerifier } from './jwt-verifier.ts';
import { RefusedTokens } from './refused-tokens.ts';
import { isToken } from './token.ts';

export interface ThreadTokensOptions {
  readonly config: Pick<Config, 'identities'>;
  /** What the front had when the thread was made. */
  readonly issuerKeys: readonly IssuerKeys[];
  readonly post: (message: FromJwtThread) => void;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

/** The tokens of one thread. The library comes when there first is an issuer: without one the thread starts faster. */
export class ThreadTokens implements Verifier {
  readonly #options: ThreadTokensOptions;
  readonly #refused: RefusedTokens;
  /** The newest of each issuer. */
  readonly #keys = new Map<string, IssuerKeys>();
  #settings: JwtSettings;
  #verifier: JwtVerifier | undefined;
  #loading: Promise<void> | undefined;

  constructor(options: ThreadTokensOptions) {
    this.#options = options;
    this.#refused = new RefusedTokens(options.log, monotonicMs);
    for (const keys of options.issuerKeys) this.#keys.set(keys.issuer, keys);
    this.#settings = settingsOf(options.config);
    this.#load();
  }

  apply(config: Pick<Config, 'identities'>): void {
    this.#settings = settingsOf(config);
    this.#verifier?.configure(this.#settings);
    this.#load();
  }

  /** From the front. */
  receive(message: ToJwtThread): void {
    this.#keys.set(message.issuer, message);
    this.#verifier?.take(message);
  }

  known(credential: string): Verdict | undefined {
    return this.#verifier?.known(credential);
  }

  isMalformed(credential: string): boolean {
    return !isToken(credential);
  }

  verify(credential: string, done: (verdict: Verdict) => void): void {
    if (this.#verifier !== undefined) return this.#verifier.verify(credential, done);
    void (this.#loading ?? Promise.resolve()).then(() => this.#verifyLate(credential, done));
  }

  /** While its issuer is one. What its keys vouch for by now nobody knows without the token. */
  again(identity: Identity, done: (verdict: Verdict) => void): void {
    const isKnown = this.#settings.issuers.some(({ name }) => identity.consumer.startsWith(`${name}~`));
    done(isKnown ? identity : 'credentials_invalid');
  }

  /** Ends what waits. */
  close(): void {
    this.#verifier?.close();
  }

  #verifyLate(credential: string, done: (verdict: Verdict) => void): void {
    if (this.#verifier === undefined) done('identity_unavailable');
    else this.#verifier.verify(credential, done);
  }

  #load(): void {
    if (this.#loading !== undefined || this.#settings.issuers.length === 0) return;
    const { log, post } = this.#options;
    this.#loading = import('./jwt-verifier.ts').then(
      ({ JwtVerifier }) => {
        this.#verifier = new JwtVerifier({
          settings: this.#settings,
          keys: [...this.#keys.values()],
          ask: (issuer) => post({ type: 'key-missing', issuer }),
          onRefused: (fault, issuer) => this.#refused.note(fault, issuer),
          wallClockMs,
          monotonicMs,
        });
      },
      (error: unknown) => log.error({ err: error }, 'tokens cannot be verified'),
    );
  }
}

const settingsOf = ({ identities }: Pick<Config, 'identities'>): JwtSettings => ({
  issuers: identities.issuers,
  profiles: new Set(identities.profiles.map(({ name }) => name)),
  cacheMs: identities.cacheMs,
  cacheEntries: identities.cacheEntries,
});
