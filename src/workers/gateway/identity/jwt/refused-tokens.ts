import type { Log } from '../../../../shared/log.ts';
import type { TokenFault } from './jwt-verifier.ts';

/** So often a kind of refusal gets a line. */
const EVERY_MS = 60_000;

const MEANS: Readonly<Record<TokenFault, string>> = {
  unreadable: 'it is no token, or says that there is something in it which must be understood (crit)',
  issuer: 'no issuer is configured with its iss',
  algorithm: 'its algorithm is not one of the issuer in the configuration',
  key: 'the issuer has no key of its kid',
  signature: 'its signature is wrong',
  audience: 'its aud is for somebody else',
  claims: 'one of iss, exp, nbf, iat, typ is missing or wrong',
  consumer: 'the claim that names its consumer is missing or no name, or it has more than 200 groups or scopes',
};

interface Count {
  refused: number;
  toldMs: number;
}

/** Tells the operator why tokens are refused, in a line a minute for each reason: their clients only hear that they are. */
export class RefusedTokens {
  readonly #log: Pick<Log, 'warn'>;
  readonly #monotonicMs: () => number;
  readonly #counts = new Map<string, Count>();

  constructor(log: Pick<Log, 'warn'>, monotonicMs: () => number) {
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  /** @param issuer one that is configured, or '' */
  note(fault: TokenFault, issuer: string): void {
    const key = `${fault} ${issuer}`;
    const count = this.#counts.get(key) ?? { refused: 0, toldMs: Number.NEGATIVE_INFINITY };
    this.#counts.set(key, count);
    count.refused++;
    const nowMs = this.#monotonicMs();
    if (nowMs - count.toldMs < EVERY_MS) return;
    this.#log.warn({ issuer, refused: count.refused }, `tokens are refused: ${MEANS[fault]}`);
    count.refused = 0;
    count.toldMs = nowMs;
  }
}
