import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { hostWithoutPort } from '../../../shared/http/host.ts';
import { isLoopback } from '../../../shared/net/address.ts';
import type { Caller } from '../contract/operation.ts';
import type { AdminToken } from '../token/admin-tokens.ts';
import type { SessionState } from './sessions.ts';

/** What access is decided by. */
export interface AccessRequest {
  readonly remoteAddress: string;
  readonly headers: IncomingHttpHeaders;
  /** `open`: for everyone; `read`; `change`: all that does something; `login`: begins a session of the page. */
  readonly kind: 'open' | 'read' | 'change' | 'login';
  readonly session: SessionState;
}

export type Access = Caller['who'] | 'needs-token' | 'session-expired' | 'not-the-page' | 'forbidden';

/** A field that no page of another origin can send without asking first, and no form at all. */
const PAGE_FIELD = 'x-gateway-page';

/** Whether a page of this very origin sent it, as a browser says. */
function isOfOwnOrigin({ origin, host }: IncomingHttpHeaders): boolean {
  if (origin === undefined || host === undefined) return false;
  const own = host.toLowerCase();
  return origin === `http://${own}` || origin === `https://${own}`;
}

/** Whether the operator's page sent it, from an address that is this machine's. */
const isOfThePage = (headers: IncomingHttpHeaders): boolean =>
  headers.host !== undefined && namesThisMachine(headers.host) && isOfOwnOrigin(headers) && headers[PAGE_FIELD] === '1';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether the request knows the token; nobody does where there is none. */
export const knowsToken = (headers: IncomingHttpHeaders, token: AdminToken): boolean =>
  token.kind !== 'none' && hasToken(headers.authorization, token.token);

function hasToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  return given !== undefined && isToken(given, token);
}

/** Whether the text is the token; digests have one length, so the time tells nothing about it. */
export const isToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));

/**
 * Whether the request was meant for this machine by name: a web page whose name was made to point here (DNS rebinding)
 * sends that name, and no page can have an address or `localhost` as its own without being from here.
 */
function namesThisMachine(host: string | undefined): boolean {
  if (host === undefined) return true; // HTTP/1.0; no browser
  const name = hostWithoutPort(host);
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || name === 'localhost' || name === hostname().toLowerCase();
}

/** A connection from this machine may carry the request of someone else: a web page's, or one that a proxy passes on. */
const isForSomeoneElse = ({ origin, forwarded, ...rest }: IncomingHttpHeaders): boolean =>
  origin !== undefined || forwarded !== undefined || rest['x-forwarded-for'] !== undefined;

/** Whether it comes from this machine, and for nobody else. */
export const isOfThisMachine = ({
  remoteAddress,
  headers,
}: Pick<AccessRequest, 'remoteAddress' | 'headers'>): boolean =>
  isLoopback(remoteAddress) && namesThisMachine(headers.host) && !isForSomeoneElse(headers);

/**
 * Who may do what: whoever knows the token may do all; the machine itself may read; everyone may read where no token was
 * given and the gateway made its own, or has none; whoever has signed in on the operator's page may do from there what the
 * token may. That a connection comes from this machine gives no leave to change
 * anything: it may be that of a proxy.
 * @returns as whom the request is let in, or why not
 */
export function accessTo(request: AccessRequest, token: AdminToken): Access {
  const { headers, kind, session } = request;
  if (knowsToken(headers, token)) return 'token';
  if (kind === 'login' && token.kind !== 'none' && headers[PAGE_FIELD] !== undefined) {
    return isOfThePage(headers) ? 'page' : 'not-the-page';
  }
  const isMachine = isOfThisMachine(request);
  if (kind === 'open') return isMachine ? 'loopback' : 'remote';
  if (kind === 'read') {
    // A session's cookie comes with what other ports of this host send, too; they read nothing of the answer.
    if (session === 'valid' && (headers.origin === undefined || isOfOwnOrigin(headers))) return 'page';
    if (isMachine) return 'loopback';
    if (token.kind === 'given') return session === 'stale' ? 'session-expired' : 'needs-token';
    // What other origins read is kept from them by their browser; a rebound name is the same origin to it.
    const rebound = isLoopback(request.remoteAddress) && !namesThisMachine(headers.host);
    return rebound ? 'forbidden' : 'remote';
  }
  if (token.kind === 'none') return 'forbidden';
  if (session === 'none' || headers.authorization !== undefined) return 'needs-token';
  if (session === 'stale') return 'session-expired';
  return isOfThePage(headers) ? 'page' : 'not-the-page';
}
