import type { HttpResponse } from 'uWebSockets.js';
import { reasonPhrase } from '../../shared/http/problem.ts';
import type { Outcome } from './outcome.ts';

/** An answer the gateway gives itself. */
export interface LocalAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** The connection carries no further request. */
  readonly close: boolean;
  readonly outcome: Outcome;
  readonly requestId: string;
  /** HEAD: the header of the answer alone. */
  readonly withoutBody: boolean;
  readonly allow: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** More fields, each line with its CRLF. */
  readonly fields: string;
}

/** Writes it whole. @returns body bytes written */
export function writeLocal(res: HttpResponse, local: LocalAnswer): number {
  const bytes = Buffer.byteLength(local.text);
  res.cork(() => {
    res.writeStatus(`${local.status} ${reasonPhrase(local.status)}`);
    res.writeHeader('content-type', local.type);
    // uWS writes a value as it is, so that lines of our own making can follow in it.
    res.writeHeader(
      'x-request-id',
      local.fields === '' ? local.requestId : `${local.requestId}\r\n${local.fields.slice(0, -2)}`,
    );
    if (local.allow !== undefined) res.writeHeader('allow', local.allow);
    if (local.retryAfterSeconds !== undefined) res.writeHeader('retry-after', `${local.retryAfterSeconds}`);
    if (local.withoutBody) res.endWithoutBody(bytes, local.close);
    else res.end(local.text, local.close);
  });
  return local.withoutBody ? 0 : bytes;
}
