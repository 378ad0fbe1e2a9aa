import { trimBlanks } from '../../../../shared/http/field.ts';
import { isForwardableTrailer } from '../../../../shared/http/trailer-field.ts';

/** What the header said of names that may not come back as trailers; a RequestHead knows it. */
export interface TrailerRules {
  /** Lower-case names of fields that may name the client. */
  readonly identifying: ReadonlySet<string>;
  /** Lower-case names that Connection listed. */
  readonly connectionNamed: ReadonlySet<string> | undefined;
}

/** Of a valid trailer section the lines to forward, each "name: value" with its CRLF. */
export function forwardableTrailers(section: string, { identifying, connectionNamed }: TrailerRules): string {
  let kept = '';
  for (let start = 0; start < section.length;) {
    const end = section.indexOf('\r\n', start);
    const colon = section.indexOf(':', start);
    const name = section.slice(start, colon);
    const lower = name.toLowerCase();
    if (isForwardableTrailer(lower) && !identifying.has(lower) && connectionNamed?.has(lower) !== true) {
      kept += `${name}: ${trimBlanks(section.slice(colon + 1, end))}\r\n`;
    }
    start = end + 2;
  }
  return kept;
}
