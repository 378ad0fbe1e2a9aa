import { rewriteFields } from '../upstream/field-rules.ts';

/** Names that speak of limits: those of the IETF draft, and those before it. */
const DRAFT = /^ratelimit(?:-|$)/;
const LEGACY = /^x-rate-?limit(?:-|$)/;

/**
 * The fields of an upstream's answer that speaks of its limits, as they may stand beside ours: what we say of ours takes
 * the place of what it says of its own, or clients would read both as one list.
 *
 * @param fields lines with CRLF between
 * @param ours lines, each with its CRLF
 */
export function fieldsBesideOurs(fields: string, ours: string): string {
  const replaced = [...(ours.includes('x-ratelimit-') ? [LEGACY] : []), ...(/^ratelimit/m.test(ours) ? [DRAFT] : [])];
  const names = fields.split('\r\n').map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
  return rewriteFields(
    fields,
    names.filter((name) => replaced.some((family) => family.test(name))),
  );
}
