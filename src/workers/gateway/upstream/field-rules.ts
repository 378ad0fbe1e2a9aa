import { trimBlanks } from '../../../shared/http/field.ts';
import { isForwardableTrailer } from '../../../shared/http/trailer-field.ts';

/** The rarely needed, string based rules on response fields; everything here may cost a microsecond. */

/** The non-empty members of a comma separated list without quoted strings, in lower case. */
export function listMembers(value: string): string[] {
  return value
    .split(',')
    .map((member) => trimBlanks(member).toLowerCase())
    .filter((member) => member !== '');
}

/**
 * A block of valid field lines rewritten: "name: value" with exactly one space and no white space after the value, and
 * without the fields named in `dropped` (lower case).
 */
export function rewriteFields(block: string, dropped: readonly string[]): string {
  const kept: string[] = [];
  for (const line of block.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (!dropped.includes(name.toLowerCase())) kept.push(`${name}: ${trimBlanks(line.slice(colon + 1))}`);
  }
  return kept.join('\r\n');
}

/**
 * Of a valid trailer section the lines to pass on, each "name: value" with its CRLF.
 * @param listed names that the header's Connection gave, lower case
 */
export function trailersToPassOn(section: string, listed: readonly string[]): string {
  let kept = '';
  for (const line of section.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const lower = name.toLowerCase();
    if (colon > 0 && isForwardableTrailer(lower) && !listed.includes(lower)) {
      kept += `${name}: ${trimBlanks(line.slice(colon + 1))}\r\n`;
    }
  }
  return kept;
}

/** The largest delay a timer takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** `timeout=N` (seconds) of a Keep-Alive value, in milliseconds; -1 if there is none. */
export function keepAliveTimeoutMs(value: string): number {
  const found = /(?:^|,)[ \t]*timeout=(\d+)[ \t]*(?:,|$)/i.exec(value);
  return found === null ? -1 : Math.min(Number(found[1]) * 1000, MAX_DELAY_MS);
}
