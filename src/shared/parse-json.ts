import type { z } from 'zod';

/** What a text from outside says, if it is JSON that fits the schema; `undefined` for anything else. */
export function parseJson<Value>(schema: z.ZodType<Value>, text: string): Value | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
