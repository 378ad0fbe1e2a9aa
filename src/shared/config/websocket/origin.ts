import type { Parsed } from '../parsed.ts';

export const ORIGIN_PHRASE =
  'an origin such as https://app.example.com: scheme, host, and port where it is not the default';

/** An origin as browsers send it (RFC 6454, section 6.2): a text that is compared as it is. */
export function parseOrigin(text: string): Parsed<string> {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    return { ok: false, expected: ORIGIN_PHRASE };
  }
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // Of other schemes (apps, extensions) the URL does not know the origin.
  const isOrigin = isWeb ? url.origin === text : /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+$/.test(text);
  return isOrigin ? { ok: true, value: text } : { ok: false, expected: ORIGIN_PHRASE };
}
