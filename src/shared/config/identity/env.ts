import { isAmbiguousName } from '../../http/ambiguous-name.ts';
import { isToken } from '../../http/field.ts';
import { FORWARD, requestFieldKind } from '../../http/request-field.ts';
import { withDefault } from '../env-variable.ts';
import { BOUNDS, numberText, secondsText, wholeNumberText } from '../numbers.ts';
import { fromText } from '../parsed.ts';
import { onOff, oneOf } from '../parsers.ts';
import { API_KEY_STORES } from '../words.ts';

const apiKeyHeader = fromText<string>((text) => {
  const name = text.toLowerCase();
  const ok = isToken(name) && !isAmbiguousName(name) && name !== 'authorization' && requestFieldKind(name) === FORWARD;
  return ok
    ? { ok: true, value: name }
    : {
        ok: false,
        expected: 'a header name of letters, digits and "-" that the gateway does not read or set otherwise',
      };
});

/** Variables that say how credentials are looked for and remembered. */
export const IDENTITY_ENV = {
  API_KEY_HEADER: withDefault(apiKeyHeader, 'x-api-key', 'Header that an API key stands in.'),
  API_KEYS: withDefault(
    oneOf(API_KEY_STORES),
    'file',
    'Where API keys are: file (consumers of the YAML), redis (gateway key), or both; without Redis both keeps them in STATE_DIR.',
  ),
  IDENTITY_CACHE_SECONDS: withDefault(
    secondsText(BOUNDS.identityCacheSeconds),
    '60',
    'How long a thread knows a verified API key; revoking one acts within a second all the same.',
  ),
  IDENTITY_CACHE_ENTRIES: withDefault(
    wholeNumberText(BOUNDS.count),
    '10000',
    'Verified credentials of each method that a thread knows.',
  ),
  JWKS_REFRESH_SECONDS: withDefault(
    secondsText(BOUNDS.jwksRefreshSeconds),
    '600',
    "How often the issuers' keys are fetched.",
  ),
  JWKS_STALE_SECONDS: withDefault(
    secondsText(BOUNDS.jwksStaleSeconds),
    '86400',
    'How long keys of an issuer that cannot be reached are still used.',
  ),
  CLIENT_CERT_HEADER: withDefault(
    onOff,
    'off',
    'TRUSTED_PROXIES say in Client-Cert (RFC 9440) which certificate their client has proved to have: routes with ' +
      'certificate in authenticate go by it. From everybody else the field is dropped, on or off.',
  ),
  AUTH_FAILURE_CAPACITY: withDefault(
    wholeNumberText(BOUNDS.count),
    '20',
    'Wrong credentials that may come from one address at once (IPv6: one /64); beyond it those that are not known are ' +
      'verified at two a second, the rest get 429.',
  ),
  AUTH_FAILURE_REFILL_RATE: withDefault(
    numberText(BOUNDS.refillPerSecond),
    '0.2',
    'Wrong credentials a second that are forgiven.',
  ),
} as const;
