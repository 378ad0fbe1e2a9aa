import { clientChain, forwardedHost, forwardedScheme } from '../../../shared/http/forwarded.ts';
import { soundClaims } from '../../../shared/http/sound-claims.ts';
import type { TrustedProxies } from '../../../shared/net/trusted-proxies.ts';
import type { RequestHead } from './request-head.ts';

export interface Peer {
  /** Canonical text. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
}

/** X-Forwarded-* and X-Real-IP for a request that came from the client itself: whatever it says of this kind is not believed. */
export const forwardedByClient = (head: RequestHead, { address, scheme }: Peer): string =>
  `x-forwarded-for: ${address}\r\nx-real-ip: ${address}\r\nx-forwarded-proto: ${scheme}\r\nx-forwarded-host: ${head.host}\r\n`;

/** The same for a request that a trusted proxy handed on: who the client is, and the fields that say so. */
export function forwardedByProxy(
  head: RequestHead,
  { address, scheme }: Peer,
  trusted: TrustedProxies,
): { readonly client: string; readonly fields: string; readonly claims: string } {
  const { client, forwardedFor } = clientChain(address, head.forwardedFor, trusted);
  const proto = forwardedScheme(head.forwardedProto) ?? scheme;
  const host = forwardedHost(head.forwardedHost) ?? head.host;
  const claims = head.claims === '' ? '' : soundClaims(head.claims);
  const fields =
    `x-forwarded-for: ${forwardedFor}\r\nx-real-ip: ${client}\r\n` +
    `x-forwarded-proto: ${proto}\r\nx-forwarded-host: ${host}\r\n`;
  return { client, fields, claims };
}
