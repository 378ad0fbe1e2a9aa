import { isAmbiguousName, plainTwin } from '../../../../shared/http/ambiguous-name.ts';
import { trimBlanks } from '../../../../shared/http/field.ts';
import { isForwardableTrailer } from '../../../../shared/http/trailer-field.ts';

/** What the header said of names that may not come back as trailers; a RequestHead knows it. */
export interface TrailerRules {
  /** Lower-case names of fields that may name the client. */
  readonly identifying: ReadonlySet<string>;
  /** Lower-case names that Connection listed. */
  readonly connectionNamed: ReadonlySet<string> | undefined;
  /** Ambiguous names are not dropped. */
  readonly passesAmbiguous: boolean;
}

/** Of a valid trailer section the lines to forward, each "name: value" with its CRLF. */
export function forwardableTrailers(section: string, rules: TrailerRules): string {
  let kept = '';
  for (let start = 0; start < section.length;) {
    const end = section.indexOf('\r\n', start);
    const colon = section.indexOf(':', start);
    const name = section.slice(start, colon);
    const lower = name.toLowerCase();
    if (mayPass(lower, rules)) {
      kept += `${name}: ${trimBlanks(section.slice(colon + 1, end))}\r\n`;
    }
    start = end + 2;
  }
  return kept;
}

function mayPass(lower: string, { identifying, connectionNamed, passesAmbiguous }: TrailerRules): boolean {
  if (!passesAmbiguous && isAmbiguousName(lower)) return false;
  if (identifying.has(lower) || identifying.has(plainTwin(lower))) return false;
  return isForwardableTrailer(lower) && connectionNamed?.has(lower) !== true;
}
