import { plainTwin } from './ambiguous-name.ts';
import { isForwardingClaim } from './forwarding-claim.ts';

/**
 * Trailer fields that go no further, in either direction (RFC 9110, section 6.5.1): whoever merges them into the header
 * section later would let a sender say there, behind every check, what only the header section may say.
 */
const REFUSED: ReadonlySet<string> = new Set([
  // Framing and the connection.
  'connection',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Routing, and what changes how a request is handled.
  'cache-control',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'origin',
  'pragma',
  'range',
  'via',
  // Who speaks.
  'authentication-info',
  'authorization',
  'cookie',
  'cookie2',
  'set-cookie',
  'set-cookie2',
  'www-authenticate',
  'x-api-key',
  'x-real-ip',
  // Names that frameworks take for the method or target.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-request-id',
  // Control data of an answer.
  'accept-ranges',
  'age',
  'allow',
  'alt-svc',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
]);

/** The same for whole families of names. */
const REFUSED_PREFIXES = [
  'access-control-',
  'content-',
  'if-',
  'proxy-',
  'ratelimit',
  'sec-',
  'x-consumer-',
  'x-rate-limit',
  'x-ratelimit',
];

/** What a trailer section is for: RFC 9530, and its forerunner of RFC 1864. */
const DIGESTS: ReadonlySet<string> = new Set(['content-digest', 'content-md5']);

/**
 * Whether a trailer field may be passed on as one. What Connection names and what identifies clients is the caller's to
 * drop as well.
 *
 * @param lowerName the field name in lower case
 */
export function isForwardableTrailer(lowerName: string): boolean {
  const name = plainTwin(lowerName);
  if (REFUSED.has(name) || isForwardingClaim(name)) return false;
  return DIGESTS.has(name) || !REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
