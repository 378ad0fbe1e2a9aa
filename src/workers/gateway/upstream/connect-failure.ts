import type { ErrorCode } from '../../../shared/errors.ts';
import { UNRESOLVED } from '../../../shared/net/failure-text.ts';
import type { NetError } from '../../../shared/net/failure-text.ts';

/** This machine, or this process, has no more to give: descriptors, memory, or ports of its own for that address. */
const OWN_SHORTAGE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

const TLS_PREFIXES = ['ERR_TLS', 'ERR_SSL', 'CERT_', 'CRL_', 'UNABLE_TO_'] as const;

/** What OpenSSL's certificate checks put into error.code without a common prefix (x509errors of Node's TLS). */
const TLS_CODES: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'HOSTNAME_MISMATCH',
  'EPROTO',
]);

/**
 * What it means that no connection came about. Our own shortage says nothing of the upstream, but only where no attempt
 * says more: an IPv6 address of a machine without IPv6 looks the same.
 */
export function connectFailure(error: NetError): ErrorCode {
  const telling = error.errors?.find(({ code }) => !OWN_SHORTAGE.has(code ?? ''));
  const code = (telling ?? error).code ?? '';
  if (OWN_SHORTAGE.has(code)) return 'overloaded';
  if (code === UNRESOLVED) return 'upstream_unresolved';
  if (TLS_CODES.has(code) || TLS_PREFIXES.some((prefix) => code.startsWith(prefix))) return 'upstream_tls_failed';
  return code === 'ETIMEDOUT' ? 'upstream_connect_timeout' : 'upstream_refused';
}

/**
 * The other side ended the handshake, which for us was over already (TLS 1.3): it wants a certificate of ours, or another
 * one. It has read no request.
 */
export const isLateRefusal = ({ code }: NetError): boolean =>
  code !== undefined && /^ERR_SSL_.*_ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code);
