import type { Span } from './pattern.ts';

/**
 * Reads a Range header against a body of `total` bytes (RFC 9110 section 14).
 * `undefined` means "send it whole": no header, another unit, bad syntax, or several ranges, which a server may ignore.
 */
export function readRange(header: string | undefined, total: number): Span | 'unsatisfiable' | undefined {
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '');
  const [from = '', to = ''] = match?.slice(1) ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const wanted = Math.min(Number(to), total);
    return wanted === 0 ? 'unsatisfiable' : { first: total - wanted, last: total - 1, total };
  }
  const first = Number(from);
  const last = to === '' ? total - 1 : Number(to);
  if (to !== '' && last < first) return undefined;
  return first >= total ? 'unsatisfiable' : { first, last: Math.min(last, total - 1), total };
}

/** True when If-None-Match names the entity tag or is `*`; compared weakly (RFC 9110 section 13.1.2). */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => ['*', etag, `W/${etag}`].includes(part.trim()));
}
