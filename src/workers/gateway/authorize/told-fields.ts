import { isAmbiguousName, plainTwin } from '../../../shared/http/ambiguous-name.ts';

/** Fields that a request may rightly have several lines of; of any other it would be open which of them counts. */
const MAY_REPEAT = /^(?:cookie|accept(?:-.*)?)$/;

export interface FieldsOfRoute {
  /** Lower-case names that the authorizer is told. */
  readonly told: ReadonlySet<string>;
  /** Lower-case names that only an authorizer may say to the upstream. */
  readonly guarded: ReadonlySet<string>;
}

/** Lines, each with its CRLF. */
export interface SplitFields {
  /** What the authorizer is told, as the client wrote it. */
  readonly told: string;
  /** All but what is guarded. */
  readonly kept: string;
  /** A field that is told stands there twice. */
  readonly repeated: boolean;
}

/** Whether it is guarded, or a name that some readers take for one that is (ambiguous-name.ts). */
const isGuarded = (guarded: ReadonlySet<string>, lower: string): boolean =>
  guarded.has(lower) || (isAmbiguousName(lower) && guarded.has(plainTwin(lower)));

/** One pass over the lines of a request, "name: value" each. */
export function splitFields(fields: string, { told: names, guarded }: FieldsOfRoute): SplitFields {
  let told = '';
  let kept = '';
  let keptFrom = 0;
  let repeated = false;
  let seen: Set<string> | undefined;
  for (let start = 0; start < fields.length;) {
    const colon = fields.indexOf(':', start);
    const end = fields.indexOf('\r\n', colon) + 2;
    const name = fields.slice(start, colon).toLowerCase();
    if (names.has(name)) {
      seen ??= new Set();
      if (seen.has(name) && !MAY_REPEAT.test(name)) repeated = true;
      seen.add(name);
      told += fields.slice(start, end);
    }
    if (guarded.size > 0 && isGuarded(guarded, name)) {
      kept += fields.slice(keptFrom, start);
      keptFrom = end;
    }
    start = end;
  }
  return { told, kept: keptFrom === 0 ? fields : kept + fields.slice(keptFrom), repeated };
}
