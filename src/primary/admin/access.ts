import { createHash, timingSafeEqual } from 'node:crypto';
import type { AdminRequest } from './answer.ts';

export type Access = 'allowed' | 'needs-token' | 'forbidden';

const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(address);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function hasToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  // Digests have one length, so the time tells nothing about the token.
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/**
 * Who may change something: the machine itself, or whoever knows the token. A browser on this machine is not the machine
 * (any web page can make it send a POST here), so a request with an `Origin` needs the token as well.
 * @param token `undefined` = there is none
 */
export function accessTo(request: AdminRequest, token: string | undefined): Access {
  if (token !== undefined && hasToken(request.headers.authorization, token)) return 'allowed';
  if (isLoopback(request.remoteAddress) && request.headers.origin === undefined) return 'allowed';
  return token === undefined ? 'forbidden' : 'needs-token';
}
