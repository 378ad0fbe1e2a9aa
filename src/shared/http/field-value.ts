const COLON = 0x3a;
const CASE_BIT = 0x20;

/**
 * The value of a header field that may stand in a request once.
 * @param lines "name: value", each with its CRLF
 * @param name in lower case, of letters and `-`
 * @returns `undefined` where it is not there, or more than once: which of them the other side goes by nobody knows
 */
export function singleField(lines: string, name: string): string | undefined {
  let value: string | undefined;
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start);
    const colon = start + name.length;
    if (lines.charCodeAt(colon) === COLON && isName(lines, start, name)) {
      if (value !== undefined) return undefined;
      value = lines.slice(colon + 2, end);
    }
    start = end + 2;
  }
  return value;
}

/** The first letter settles most. */
const isName = (lines: string, start: number, name: string): boolean =>
  (lines.charCodeAt(start) | CASE_BIT) === name.charCodeAt(0) &&
  lines.slice(start, start + name.length).toLowerCase() === name;
