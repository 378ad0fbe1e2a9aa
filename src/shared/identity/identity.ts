/** How a client proves who it is: one entry of a route's `authenticate`. */
export type AuthenticationMethod = 'api_key' | 'jwt' | 'certificate';

/** Whom a verified credential belongs to. Made once for a credential and shared by all its requests: never changed. */
export interface Identity {
  /** Name of the consumer; also that of its buckets. */
  readonly consumer: string;
  /** Name of its profile; '' = none, the route's limits alone hold. */
  readonly profile: string;
  readonly groups: readonly string[];
  /** Of a token; empty for the other methods. */
  readonly scopes: readonly string[];
  readonly method: AuthenticationMethod;
  /** Wall clock, when the credential itself ends; Infinity = never. */
  readonly expiresAtMs: number;
  /** SHA-256 of an API key, by which it is asked about again; '' = it is none. */
  readonly keyHash: string;
}

/** Why a credential does not pass: codes of the table of errors. */
export type IdentityRefusal = 'credentials_invalid' | 'token_expired' | 'identity_unavailable';

/** What is known of a credential. */
export type Verdict = Identity | IdentityRefusal;

export const isRefusal = (verdict: Verdict): verdict is IdentityRefusal => typeof verdict === 'string';
