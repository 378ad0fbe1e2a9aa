import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { AdminAnswer } from './answer.ts';

export type AdminMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who asked, for the audit line. */
export interface Caller {
  /** `token`: it knew the admin token; `page`: it has signed in on the operator's page, or is about to; `loopback`: it is on this machine; `remote`: a read without a token. */
  readonly who: 'token' | 'page' | 'loopback' | 'remote';
  readonly remoteAddress: string;
}

/** A request whose path, query and body fit the operation. */
export interface OperationRequest<Body> {
  /** Values of `{name}` in the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Holds only parameters that the operation declares, each once. */
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Body;
  readonly caller: Caller;
}

/** One call of the admin API: what routes, validates, documents and audits it. */
export interface Operation<Body = undefined> {
  readonly method: AdminMethod;
  /** Such as `/admin/breakers/{upstream}`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /**
   * `open`: everybody may read it, also without a token, as scrapers do; `login`: the operator's page may ask it without
   * one, and 401 of it is a guess at the token; default: as its method says.
   */
  readonly access?: 'open' | 'login';
  /** Its work may outlast the process, so one audit line at its end is not enough: there is one before, too. */
  readonly longWork?: boolean;
  /** What each parameter of path and query is. */
  readonly parameters?: Readonly<Record<string, { readonly in: 'path' | 'query'; readonly description: string }>>;
  /** A parameter of the path may be a secret: the audit line shows `path`, and what the answer says in `audited`. */
  readonly secretPath?: boolean;
  /** The body is a secret, which the audit line does not show. */
  readonly secretBody?: boolean;
  /** Absent: the call takes no body. */
  readonly body?: z.ZodType<Body>;
  /** Schema of the good answer; absent: it is not JSON (the operation says what in `produces`). */
  readonly answer?: z.ZodType;
  readonly produces?: string;
  /** Status of the good answer; default 200. */
  readonly status?: number;
  /** Problems it can answer with, besides those that any call has (400, 401, 403, 405, 413, 500). */
  readonly problems?: Readonly<Partial<Record<404 | 409 | 422 | 503, string>>>;
  handle(request: OperationRequest<Body>): AdminAnswer | Promise<AdminAnswer>;
}

/** An operation whose body's type only itself needs to know. */
export type AnyOperation = Operation<never>;

/**
 * Makes an operation. Whether it changes anything follows from its method: all but GET do, need the stricter access and
 * leave an audit line.
 */
export const operation = <Body = undefined>(definition: Operation<Body>): AnyOperation =>
  // The server gives `handle` only what `body` has parsed.
  definition as unknown as AnyOperation;
