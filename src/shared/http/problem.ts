import { STATUS_CODES } from 'node:http';
import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** RFC 9110 names that Node still has from RFC 7231. */
const RENAMED: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

/** The standard reason phrase of a status; `Unknown` where there is none. */
export function reasonPhrase(status: number): string {
  return RENAMED[status] ?? STATUS_CODES[status] ?? 'Unknown';
}

/**
 * The body of an answer the gateway itself gives: RFC 9457 problem+json in one line with a newline.
 *
 * @param opts.detail replaces the code's own sentence; it is shown to the client, so no addresses and no stacks
 */
export function problemBody(code: ErrorCode, opts: { readonly requestId: string; readonly detail?: string }): string {
  const { status, detail } = ERRORS[code];
  const problem = {
    type: 'about:blank',
    title: reasonPhrase(status),
    status,
    detail: opts.detail ?? detail,
    code,
    request_id: opts.requestId,
  };
  return `${JSON.stringify(problem)}\n`;
}
