import * as z from 'zod';

/**
 * What reading a text gave. Everywhere in this folder the message of a zod issue is the phrase that completes
 * "expected …", so that problems from the environment and from YAML read alike.
 */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `got`: the part of the text that is wrong, when not all of it is. */
  | { readonly ok: false; readonly expected: string; readonly got?: string };

/** A zod schema that reads a text with `parse`. */
export const fromText = <T>(parse: (text: string) => Parsed<T>): z.ZodType<T, string> =>
  z.string().transform((text, context) => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.expected, input: parsed.got ?? text });
    return z.NEVER;
  });

/** A zod schema for a text that stays a text but must be one that `parse` accepts. */
export const textLike = <T>(parse: (text: string) => Parsed<T>, phrase: string): z.ZodString =>
  z.string(phrase).superRefine((text, context) => {
    const parsed = parse(text);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.expected, input: text });
  });

/** Reads a comma-separated list; spaces around its parts do not count. The first bad part is the one reported. */
export const listOf =
  <T>(parse: (text: string) => Parsed<T>) =>
  (text: string): Parsed<readonly T[]> => {
    const values: T[] = [];
    for (const part of text.split(',').map((raw) => raw.trim())) {
      const parsed = parse(part);
      if (!parsed.ok) return { ok: false, expected: parsed.expected, got: parsed.got ?? part };
      values.push(parsed.value);
    }
    return { ok: true, value: values };
  };
