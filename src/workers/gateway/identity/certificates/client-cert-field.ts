import type { CertificateCache } from './certificate-cache.ts';
import type { ClientCertificate } from './client-certificate.ts';

/** Field in which a proxy that ends TLS says which certificate its client has proved to have (RFC 9440). */
export const CLIENT_CERT = 'client-cert';

/** Lines of it among others, each with its CRLF. */
const LINE = /(?<![^\n])client-cert: ([^\r\n]*)\r\n/gi;
/** Those and the chain's. */
const ALL_LINES = /(?<![^\n])client-cert(?:-chain)?:[^\n]*\n/gi;
/** A byte sequence of structured fields (RFC 9651, section 3.3.5), without parameters. */
const BYTES = /^:([A-Za-z0-9+/]+={0,2}):$/;

/** For the client to read. */
export const MALFORMED_CLIENT_CERT = 'Client-Cert is repeated, or no certificate.';

/**
 * The certificate in what a trusted proxy says of its client; '' = it says nothing of one.
 * @param claims lines, each with its CRLF
 * @returns `undefined`: it is repeated or malformed, which only a proxy that does not speak RFC 9440 makes it
 */
export function certificateInClaims(claims: string, cache: CertificateCache): ClientCertificate | '' | undefined {
  if (claims === '') return '';
  LINE.lastIndex = 0;
  const line = LINE.exec(claims);
  if (line === null) return '';
  const base64 = BYTES.exec(line[1] ?? '')?.[1];
  return base64 === undefined || LINE.test(claims) ? undefined : cache.ofBase64(base64);
}

/** The lines without any that speak of the client's certificate. */
export const withoutClientCert = (fields: string): string => fields.replaceAll(ALL_LINES, '');
