import type { ErrorCode } from '../../../shared/errors.ts';
import type { Identifiable } from '../../../shared/limits/client-key.ts';

/**
 * The header section of the request at hand as a front has read and judged it. One instance a thread, reused: it is valid
 * until the front reads the next head, so everything that is needed longer is taken from it in the same call.
 */
export interface RequestHead extends Identifiable {
  /** Canonical text; set by the exchange once it knows it. */
  clientAddress: string;
  /** Lower-case names whose values may name the client; kept for header(). */
  identifying: ReadonlySet<string>;
  /** Fields with ambiguous names (ambiguous-name.ts) are not dropped. */
  passesAmbiguous: boolean;
  /** As it was on the wire. */
  readonly method: string;
  /** The target's path as it came, or `*` of `OPTIONS *`. */
  readonly path: string;
  /** What follows the first `?`; `undefined` without one, `''` for an empty query. */
  readonly query: string | undefined;
  /** Lines to forward as they came, each with its CRLF: no hop-by-hop field, nothing the gateway sets itself. */
  readonly fields: string;
  /** Lines like these in which proxies speak of the client: to forward only for a trusted one. */
  readonly claims: string;
  /** How `fields`, `claims`, `via`, `host` and the forwarded values go back to the bytes they came from. */
  readonly encoding: 'latin1' | 'utf8';
  readonly host: string;
  /** -1 = not declared. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** Bytes of the request line and all fields. */
  readonly bytes: number;
  readonly forwardedFor: string | undefined;
  readonly forwardedProto: string | undefined;
  readonly forwardedHost: string | undefined;
  readonly requestId: string | undefined;
  readonly via: string | undefined;
  /** The client takes trailers of the answer (`TE: trailers`, RFC 9110, section 10.1.4). */
  readonly takesTrailers: boolean;
  /** Protocols the client would change to, where Connection says that it means this hop (RFC 9110, section 7.8); '' = none. */
  readonly upgrade: string;
  /** The client speaks HTTP/1.0 or HTTP/1.1. */
  readonly minorVersion: 0 | 1;
  /** Why the request must be refused, for the client to read; `undefined` = it is well-formed. */
  readonly fault: string | undefined;
  /** With what it is refused then. */
  readonly faultCode: ErrorCode;
}
