import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { problem } from '../contract/answer.ts';
import type { WholeAnswer } from '../contract/answer.ts';
import { check } from './input-problems.ts';
import type { InputProblem } from './input-problems.ts';

const MAX_BODY_BYTES = 64 * 1024;
/** So much more of a body that is too large is still taken, so that its sender gets to read the answer. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

export type ReadBody =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly refusal: WholeAnswer };

const refused = (refusal: WholeAnswer): ReadBody => ({ ok: false, refusal });

/** 400 with everything that is wrong. */
export const invalidRequest = (what: string, errors: readonly InputProblem[]): WholeAnswer =>
  problem(400, 'invalid_request', { detail: `${what} is not as this call takes it; see errors.`, errors });

const tooLarge = (mostBytes: number): WholeAnswer => ({
  ...problem(413, 'body_too_large', { detail: `The body is larger than ${mostBytes} bytes.` }),
  headers: { Connection: 'close' },
});

const isJson = (contentType: string | undefined): boolean =>
  /^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(contentType ?? '');

/** @returns the whole body, or `undefined` when it is too large */
function collect(req: IncomingMessage, mostBytes: number): Promise<Buffer | undefined> {
  const mostDiscarded = mostBytes + MAX_DISCARDED_BYTES;
  if (Number(req.headers['content-length'] ?? 0) > mostDiscarded) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    let pieces: Buffer[] = [];
    let bytes = 0;
    req.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= mostBytes) pieces.push(piece);
      else pieces = [];
      if (bytes > mostDiscarded) {
        req.pause();
        resolve(undefined);
      }
    });
    req.once('end', () => resolve(bytes > mostBytes ? undefined : Buffer.concat(pieces)));
    req.once('error', reject);
    req.once('close', () => reject(new Error('the connection closed within the body')));
  });
}

function parse(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown };
  } catch {
    return undefined;
  }
}

/**
 * Reads a request's body: nothing, or JSON that fits the schema. Rejects when the connection closes within it.
 * @param what.body schema; `undefined`: the call takes none; an empty object passes for that
 */
export async function readBody(
  req: IncomingMessage,
  { body: schema, maxBodyBytes = MAX_BODY_BYTES }: { readonly body?: z.ZodType; readonly maxBodyBytes?: number },
): Promise<ReadBody> {
  const bytes = await collect(req, maxBodyBytes);
  if (bytes === undefined) return refused(tooLarge(maxBodyBytes));
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (bytes.length > 0 && !(isJson(req.headers['content-type']) && encoding === 'identity')) {
    const detail = 'A body must be JSON, sent with Content-Type: application/json.';
    return refused({ ...problem(415, 'unsupported_media_type', { detail }), headers: { Accept: 'application/json' } });
  }
  const parsed = bytes.length === 0 ? { value: undefined } : parse(bytes);
  if (parsed === undefined) return refused(problem(400, 'invalid_json', { detail: 'The body is not JSON in UTF-8.' }));
  if (schema === undefined) return withoutBody(parsed.value);
  const checked = check(schema, parsed.value);
  return checked.ok ? { ok: true, body: checked.value } : refused(invalidRequest('The body', checked.problems));
}

function withoutBody(value: unknown): ReadBody {
  if (value === undefined) return { ok: true, body: undefined };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const members = isObject ? Object.keys(value) : [];
  if (isObject && members.length === 0) return { ok: true, body: undefined };
  const errors = members.map((path) => ({ path, expected: 'no such member', got: 'an unknown member' }));
  const none = [{ path: '', expected: 'no body', got: 'one' }];
  return refused(invalidRequest('The body', isObject ? errors : none));
}
