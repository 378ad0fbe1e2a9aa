import type { PublicKey } from './public-key.ts';

/** What a request thread and the front say to each other of the keys that tokens are verified with. */

/** What the front has of one issuer. */
export interface IssuerKeys {
  /** Its name in the configuration. */
  readonly issuer: string;
  /** At least one; `undefined` = none was ever had, or they are older than JWKS_STALE_SECONDS. */
  readonly keys: readonly PublicKey[] | undefined;
  /** The newest attempt to get them went well, so that a key which is not there does not exist. */
  readonly current: boolean;
  /** So long nobody fetches them for a key that is missing; 0 = who misses one may ask, or has asked and will hear. */
  readonly askAgainMs: number;
}

/** To a thread: something of it has changed, or somebody has asked. */
export type ToJwtThread = { readonly type: 'issuer-keys' } & IssuerKeys;

/** Of a thread: it has a token of this issuer, and no key for it. Answered in any case, within some seconds. */
export type FromJwtThread = { readonly type: 'key-missing'; readonly issuer: string };
