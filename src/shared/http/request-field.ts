import { isForwardingClaim } from './forwarding-claim.ts';

/** What the gateway does with a request field. Numbers, not strings: this is asked for every field of every request. */
export const FORWARD = 0;
/** Ends here: it speaks of the client's connection, or is meant for a proxy. */
export const DROP = 1;
export const HOST = 2;
export const CONTENT_LENGTH = 3;
export const TRANSFER_ENCODING = 4;
/** Dropped too, after the fields it names. */
export const CONNECTION = 5;
export const EXPECT = 6;
/** Dropped, but for the value `trailers`. */
export const TE = 7;
export const X_FORWARDED_FOR = 8;
export const X_FORWARDED_PROTO = 9;
export const X_FORWARDED_HOST = 10;
export const X_REQUEST_ID = 11;
export const VIA = 12;
export const UPGRADE = 13;
export const FORWARDED = 14;
/** Dropped: the gateway says it itself. */
export const X_REAL_IP = 15;
/** Forwarded for a trusted proxy only; see forwarding-claim.ts. */
export const CLAIM = 16;

/** Every name whose kind is neither FORWARD nor CLAIM nor one of a family, for readers that look names up as bytes. */
export const NOTABLE_NAMES: readonly string[] = [
  'connection',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-attempt',
  'x-request-id',
];

/** Fields with such beginnings are dropped: the gateway alone says who a consumer is, whoever sends them. */
export const DROP_PREFIXES: readonly string[] = ['x-consumer-'];

const C = 0x63;
const E = 0x65;
const T = 0x74;
const U = 0x75;
const X = 0x78;

/**
 * The kind of a request field. Readers ask once for each name they come to know.
 *
 * @param lowerName the field name in lower case
 */
export function requestFieldKind(lowerName: string): number {
  const kind = notableKind(lowerName);
  if (kind !== FORWARD) return kind;
  if (DROP_PREFIXES.some((prefix) => lowerName.startsWith(prefix))) return DROP;
  return isForwardingClaim(lowerName) ? CLAIM : FORWARD;
}

/**
 * Length and first character settle most names; one comparison settles the rest (a call
 * each, so `user-agent` must not cost two of them).
 *
 * `proxy-authorization` is dropped: RFC 9110 11.7.2 lets a proxy relay it, but the client can only have meant a forward
 * proxy before us, none of our upstreams is one (no CONNECT, no absolute-form), and passing it on leaks credentials.
 * `proxy` is dropped: no request has a use for it, and CGI hands it on as HTTP_PROXY, which HTTP libraries obey.
 * `x-request-attempt` is dropped: the gateway alone says how often it sends a request.
 * `http2-settings` is dropped with the `Upgrade: h2c` it belongs to (RFC 9113 3.1 made both obsolete).
 */
function notableKind(lowerName: string): number {
  const first = lowerName.charCodeAt(0);
  switch (lowerName.length) {
    case 2:
      return lowerName === 'te' ? TE : FORWARD;
    case 3:
      return lowerName === 'via' ? VIA : FORWARD;
    case 4:
      return lowerName === 'host' ? HOST : FORWARD;
    case 5:
      return lowerName === 'proxy' ? DROP : FORWARD;
    case 6:
      return first === E && lowerName === 'expect' ? EXPECT : FORWARD;
    case 7:
      if (first === U) return lowerName === 'upgrade' ? UPGRADE : FORWARD;
      return first === T && lowerName === 'trailer' ? DROP : FORWARD;
    case 9:
      if (first === X) return lowerName === 'x-real-ip' ? X_REAL_IP : FORWARD;
      return lowerName === 'forwarded' ? FORWARDED : FORWARD;
    case 10:
      if (first === C) return lowerName === 'connection' ? CONNECTION : FORWARD;
      return first !== U && lowerName === 'keep-alive' ? DROP : FORWARD;
    case 12:
      return first === X && lowerName === 'x-request-id' ? X_REQUEST_ID : FORWARD;
    case 14:
      if (first === C) return lowerName === 'content-length' ? CONTENT_LENGTH : FORWARD;
      return lowerName === 'http2-settings' ? DROP : FORWARD;
    case 15:
      return first === X && lowerName === 'x-forwarded-for' ? X_FORWARDED_FOR : FORWARD;
    case 16:
      if (first === X) return lowerName === 'x-forwarded-host' ? X_FORWARDED_HOST : FORWARD;
      return lowerName === 'proxy-connection' ? DROP : FORWARD;
    case 17:
      if (first === X) return ofSeventeen(lowerName);
      return first === T && lowerName === 'transfer-encoding' ? TRANSFER_ENCODING : FORWARD;
    case 19:
      return lowerName === 'proxy-authorization' ? DROP : FORWARD;
    default:
      return FORWARD;
  }
}

function ofSeventeen(lowerName: string): number {
  if (lowerName === 'x-forwarded-proto') return X_FORWARDED_PROTO;
  return lowerName === 'x-request-attempt' ? DROP : FORWARD;
}

/** Whether a request field belongs to one connection only (RFC 9110 7.6.1) and so is never copied as it is. */
export function isHopByHop(lowerName: string): boolean {
  const kind = requestFieldKind(lowerName);
  return kind === DROP || kind === CONNECTION || kind === TE || kind === TRANSFER_ENCODING || kind === UPGRADE;
}
