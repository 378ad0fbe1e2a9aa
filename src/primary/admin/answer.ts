import type { IncomingHttpHeaders } from 'node:http';
import { reasonPhrase } from '../../shared/http/problem.ts';

/** A request to the admin port, whole. */
export interface AdminRequest {
  readonly remoteAddress: string;
  readonly headers: IncomingHttpHeaders;
}

export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type AdminHandler = (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>;

/** Paths and, for each, what answers a method. A new page is a new entry. */
export type AdminRoutes = ReadonlyMap<string, Readonly<Partial<Record<string, AdminHandler>>>>;

/** JSON in one line, ending in a newline. */
export const json = (status: number, value: unknown): AdminAnswer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});

/** RFC 9457, as on the data port; `extra` are further members. */
export function problem(
  status: number,
  code: string,
  extra: { detail: string } & Record<string, unknown>,
): AdminAnswer {
  const body = { type: 'about:blank', title: reasonPhrase(status), status, code, ...extra };
  return { status, type: 'application/problem+json', body: `${JSON.stringify(body)}\n` };
}
