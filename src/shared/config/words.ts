import type { BreakerMode } from '../breaker/rule.ts';
import type { RateLimitHeaderMode } from '../limits/rate-limit-headers.ts';
import type { OnStoreFailure } from '../limits/rule.ts';
import type { AuthenticationMethod } from '../identity/identity.ts';
import type { ApiKeyStore, CertificatePart } from './identity/types.ts';
import type { BreakerProbe, JobsMode, RedisMode, TlsVersion } from './types.ts';

/** Words that settings take, the same in the environment and in YAML. */

export const ON_STORE_FAILURE = ['local', 'open', 'closed'] as const satisfies readonly OnStoreFailure[];
export const HEADER_MODES = ['both', 'draft', 'legacy', 'off'] as const satisfies readonly RateLimitHeaderMode[];
export const BREAKER_MODES = ['on', 'off', 'shadow'] as const satisfies readonly BreakerMode[];
export const BREAKER_PROBES = ['requests', 'health'] as const satisfies readonly BreakerProbe[];
export const REDIS_MODES = ['standalone', 'sentinel', 'cluster'] as const satisfies readonly RedisMode[];
export const JOBS_MODES = ['on', 'off', 'only'] as const satisfies readonly JobsMode[];
export const ADMIN_UI_MODES = ['on', 'off', 'read-only'] as const;
export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly TlsVersion[];
export const TLS_CLIENT_AUTH = ['off', 'optional'] as const;
export const AMBIGUOUS_FIELDS = ['drop', 'pass'] as const;
export const API_KEY_STORES = ['file', 'redis', 'both'] as const satisfies readonly ApiKeyStore[];
export const AUTHENTICATION_METHODS = [
  'api_key',
  'jwt',
  'certificate',
] as const satisfies readonly AuthenticationMethod[];
export const CERTIFICATE_PARTS = [
  'subject_cn',
  'san_uri',
  'san_dns',
  'fingerprint',
] as const satisfies readonly CertificatePart[];
