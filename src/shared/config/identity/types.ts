import type { RuleSpec } from '../../limits/rule.ts';
import type { PriorityName } from '../../overload/priority.ts';
import type { AuthenticationMethod } from '../../identity/identity.ts';

/** Where API keys are kept. */
export type ApiKeyStore = 'file' | 'redis' | 'both';

/** Limits that a consumer has over all routes, whichever it uses. */
export interface ProfileConfig {
  readonly name: string;
  /** At least one; the name `''` is the consumer's default bucket. */
  readonly rules: readonly RuleSpec[];
  /** Most exchanges of one consumer under way, per thread; 0 = no limit. */
  readonly maxInFlight: number;
  /** Where the route says none; `undefined` = normal. */
  readonly priority: PriorityName | undefined;
}

export interface ApiKeyConfig {
  /** For people: in the configuration, never with clients. */
  readonly id: string;
  /** Of the key, lower-case hex. */
  readonly sha256: string;
  /** Wall clock; `undefined` = never. */
  readonly expiresAtMs: number | undefined;
  readonly disabled: boolean;
}

/** What of a certificate tells whose it is. */
export type CertificatePart = 'subject_cn' | 'san_uri' | 'san_dns' | 'fingerprint';

/** Certificates that are a consumer's. */
export interface CertificateConfig {
  readonly part: CertificatePart;
  /** DNS names in lower case, fingerprints (SHA-256) in lower-case hex. */
  readonly value: string;
  readonly disabled: boolean;
}

/** Whose certificates are those that are no configured consumer's. */
export interface AuthorityConfig {
  readonly name: string;
  /** Common name of who has issued them; `undefined` = whoever. */
  readonly issuerCn: string | undefined;
  /** What names the consumer. */
  readonly part: CertificatePart;
  /** `''` = none. */
  readonly profile: string;
  readonly groups: readonly string[];
}

export interface ConsumerConfig {
  readonly name: string;
  /** `''` = what its credential says, if it says one. */
  readonly profile: string;
  readonly groups: readonly string[];
  /** Whatever credential it has is refused. */
  readonly disabled: boolean;
  readonly keys: readonly ApiKeyConfig[];
  readonly certificates: readonly CertificateConfig[];
}

/** Where the public keys of an issuer come from; files are absolute, or relative to where the process was started. */
export type IssuerKeySource =
  | { readonly kind: 'jwks_url'; readonly url: string }
  | { readonly kind: 'jwks_file'; readonly file: string }
  | { readonly kind: 'public_key_file'; readonly file: string };

/** Who issues tokens that are taken. */
export interface IssuerConfig {
  readonly name: string;
  /** Value of `iss`. */
  readonly issuer: string;
  /** One of them must be in `aud`; empty = any. */
  readonly audience: readonly string[];
  readonly keySource: IssuerKeySource;
  /** At least one; all with public keys. */
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  /** A token without `exp` is refused. */
  readonly requiresExpiry: boolean;
  /** Value of `typ` in the token's header; `undefined` = any. */
  readonly type: string | undefined;
  /** Claim that names the consumer; dots go into objects. */
  readonly consumerClaim: string;
  /** For tokens that name none; `''` = none. */
  readonly profile: string;
  readonly profileClaim: string | undefined;
  readonly groupsClaim: string | undefined;
}

/** Who may call, and how they prove it. */
export interface IdentitiesConfig {
  /** Lower case. */
  readonly apiKeyHeader: string;
  readonly apiKeys: ApiKeyStore;
  /** How long a verified key is known. */
  readonly cacheMs: number;
  /** Verified credentials that a thread knows, of each method. */
  readonly cacheEntries: number;
  readonly jwksRefreshMs: number;
  readonly jwksStaleMs: number;
  /** Wrong credentials that may come from one address at once, and how many a second more. */
  readonly failureCapacity: number;
  readonly failureRefillPerSecond: number;
  readonly profiles: readonly ProfileConfig[];
  readonly consumers: readonly ConsumerConfig[];
  readonly issuers: readonly IssuerConfig[];
  /** In the order in which they are asked. */
  readonly authorities: readonly AuthorityConfig[];
  /** Trusted proxies say in Client-Cert which certificate their client has. */
  readonly readsClientCert: boolean;
}

/** Who may use a route. */
export interface RouteAllowConfig {
  /** A consumer has one of them; empty = whatever it has. */
  readonly groups: readonly string[];
  /** Its token has one of them; empty = whatever it has. */
  readonly scopes: readonly string[];
  /** It is one of them; empty = whoever it is. */
  readonly consumers: readonly string[];
}

/** How a route finds out who asks. */
export interface RouteAuthenticationConfig {
  /** At least one; where a request has several credentials, the first of these names the consumer. */
  readonly methods: readonly AuthenticationMethod[];
  /** Requests without a credential pass. */
  readonly anonymous: boolean;
  /** Parameter of the query that a credential may stand in; `undefined` = none. */
  readonly queryParameter: string | undefined;
  /** The upstream gets the credential. */
  readonly forwardsCredentials: boolean;
  readonly allow: RouteAllowConfig;
}
