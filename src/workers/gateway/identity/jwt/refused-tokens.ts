import type { Log } from '../../../../shared/log.ts';
import { RefusalLog } from '../refusal-log.ts';
import type { TokenFault } from './jwt-verifier.ts';

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

/** Tells the operator why tokens are refused. */
export class RefusedTokens {
  readonly #log: RefusalLog;

  constructor(log: Pick<Log, 'warn'>, monotonicMs: () => number) {
    this.#log = new RefusalLog(log, monotonicMs);
  }

  /** @param issuer one that is configured, or '' */
  note(fault: TokenFault, issuer: string): void {
    this.#log.note(`${fault} ${issuer}`, { fields: { issuer }, text: `tokens are refused: ${MEANS[fault]}` });
  }
}
