import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;
const SWITCHES: Readonly<Record<string, boolean>> = { true: true, false: false };

/** The kinds of value that would have done in place of the one that is there. */
function wantedBy(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_type') return [issue.expected];
  if (issue.code === 'invalid_value') return issue.values.map((value) => typeof value);
  if (issue.code !== 'invalid_union') return [];
  return issue.errors.flatMap((each) => each.filter(({ path }) => path.length === 0).flatMap(wantedBy));
}

function typed(text: string, wanted: readonly string[]): unknown {
  if (wanted.includes('number') && NUMBER.test(text)) return Number(text);
  return wanted.includes('boolean') ? (SWITCHES[text] ?? text) : text;
}

/**
 * Makes numbers and switches of texts that came from elsewhere, where the schema wants such: `capacity: "${CAPACITY}"`.
 * Whatever else a text looks like, it stays one.
 * @param data is changed
 * @param isReference what stands at a path came from elsewhere
 */
export function typeReferences(
  data: unknown,
  schema: z.ZodType,
  isReference: (path: readonly PropertyKey[]) => boolean,
): void {
  for (const issue of schema.safeParse(data).error?.issues ?? []) {
    const wanted = wantedBy(issue);
    if (wanted.length === 0 || !isReference(issue.path)) continue;
    const around = issue.path
      .slice(0, -1)
      .reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)[step], data);
    const last = issue.path.at(-1) ?? '';
    const holder = around as Record<PropertyKey, unknown>;
    const text = holder[last];
    if (typeof text === 'string') holder[last] = typed(text, wanted);
  }
}
