import type { Parsed } from '../parsed.ts';
import type { StatusRange } from '../types.ts';

/** A status of a final answer is one of these (RFC 9110, section 15). */
const LEAST = 200;
const MOST = 599;

export const STATUS_PHRASE = `a status from ${LEAST} to ${MOST}, or a range such as 200-399`;

/** One status, or two with `-` between them. */
export function parseStatusRange(text: string): Parsed<StatusRange> {
  const match = /^([2-5]\d\d)(?:-([2-5]\d\d))?$/.exec(text);
  const from = Number(match?.[1] ?? 0);
  const to = Number(match?.[2] ?? from);
  return match !== null && from <= to ? { ok: true, value: { from, to } } : { ok: false, expected: STATUS_PHRASE };
}
