import type { Parsed } from '../parsed.ts';

export const HEALTH_PATH_PHRASE = 'a path such as /health, of printable ASCII without spaces, \\ or fragment';
const LONGEST_PATH = 1_024;

/** What a probe asks for: a path that starts with `/`, with a query if it has one. It is sent as it is. */
export function parseHealthPath(text: string): Parsed<string> {
  const ok = /^\/[!-~]*$/.test(text) && !/[\\#]/.test(text) && text.length <= LONGEST_PATH;
  return ok ? { ok: true, value: text } : { ok: false, expected: HEALTH_PATH_PHRASE };
}
