import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServerConfig } from '../../../shared/config/types.ts';
import type { AdminToken } from '../token/admin-tokens.ts';

export interface SessionsOptions {
  /** A clock that only goes forward. */
  readonly nowMs: () => number;
  readonly lifeMs: number;
  /** Beyond them the oldest ends. */
  readonly most: number;
  /** The admin token of now: a session ends with the token that began it. */
  readonly token: () => AdminToken;
  /** Whether anybody may sign in; when that ends, so does every session. */
  readonly allowed: () => boolean;
}

/** What ADMIN_UI means: where it is not set, a token that somebody has chosen says that changes are wanted. */
export const mayChangeOnPage = (mode: ServerConfig['adminUi'], { kind }: AdminToken): boolean =>
  mode === undefined ? kind === 'given' : mode === 'on';

export const SESSIONS = { lifeMs: 12 * 3_600_000, most: 100 } as const;

/** `stale`: there is a cookie, but no session (any more) that it belongs to. */
export type SessionState = 'none' | 'stale' | 'valid';

interface Session {
  readonly endsMs: number;
  readonly token: string;
}

const ID_BYTES = 32;

const digest = (text: string): string => createHash('sha256').update(text).digest('base64');

/** Browsers keep cookies by host and not by port, so gateways beside each other need names of their own. */
const cookieName = (host: string | undefined): string => `gateway_session_${/:(\d{1,5})$/.exec(host ?? '')?.[1] ?? 80}`;

function cookieOf({ cookie = '', host }: IncomingHttpHeaders): string | undefined {
  const start = `${cookieName(host)}=`;
  const pair = cookie.split(/; */).find((each) => each.startsWith(start));
  return pair?.slice(start.length);
}

/** Who has signed in on the operator's page. In memory alone: a restart ends them all. */
export class Sessions {
  readonly #options: SessionsOptions;
  /** By the digest of each one's cookie; the oldest first. */
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Whether anybody may sign in. */
  get allowed(): boolean {
    return this.#options.allowed() && this.#options.token().kind !== 'none';
  }

  /** Begins one for who has shown the token. @returns the value of Set-Cookie */
  begin({ host }: IncomingHttpHeaders): string {
    const { nowMs, lifeMs, most, token } = this.#options;
    const now = token();
    if (now.kind === 'none') throw new Error('there is no token that could have been shown');
    const id = randomBytes(ID_BYTES).toString('base64url');
    this.#sessions.set(digest(id), { endsMs: nowMs() + lifeMs, token: digest(now.token) });
    if (this.#sessions.size > most) {
      for (const oldest of this.#sessions.keys()) {
        this.#sessions.delete(oldest);
        break;
      }
    }
    return this.#cookie(host, id, lifeMs);
  }

  /** Ends the one that the request belongs to, if there is one. @returns the value of Set-Cookie that takes its cookie away */
  end(headers: IncomingHttpHeaders): string {
    const id = cookieOf(headers);
    if (id !== undefined) this.#sessions.delete(digest(id));
    return this.#cookie(headers.host, '', 0);
  }

  stateOf(headers: IncomingHttpHeaders): SessionState {
    if (headers.cookie === undefined) return 'none';
    const id = cookieOf(headers);
    if (id === undefined) return 'none';
    const { nowMs, token } = this.#options;
    const key = digest(id);
    const session = this.#sessions.get(key);
    if (session === undefined || !this.allowed) return 'stale';
    const now = token();
    if (session.endsMs > nowMs() && now.kind !== 'none' && session.token === digest(now.token)) return 'valid';
    this.#sessions.delete(key);
    return 'stale';
  }

  // The admin port speaks plain HTTP, so the cookie has no `Secure`: with it a browser would not send it back.
  #cookie(host: string | undefined, id: string, lifeMs: number): string {
    return `${cookieName(host)}=${id}; HttpOnly; SameSite=Strict; Path=/admin; Max-Age=${lifeMs / 1000}`;
  }
}
