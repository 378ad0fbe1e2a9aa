import * as z from 'zod';

/*
 * A copy of our keys where Redis gives no snapshot: lines of JSON, so that any language reads it. The first says what it
 * is, then one for each key, the last how many there were; a file without the last one is not whole.
 *
 *   {"format":"api-gateway-keys","version":1,"redisVersion":"7.0.15","source":"redis:6379","database":0,"takenAtMs":…}
 *   {"key":"<base64>","dump":"<base64 of DUMP>","expiresAtMs":1764122400000}     (null: it stays)
 *   {"keys":2}
 *
 * `RESTORE key expiresAtMs dump ABSTTL` (0 for null) puts a key back.
 */

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);

const HEADER = z.strictObject({
  format: z.literal('api-gateway-keys'),
  version: z.literal(1),
  redisVersion: z.string().nullable(),
  source: z.string(),
  database: z.int().nonnegative(),
  takenAtMs: z.int().nonnegative(),
});
const ENTRY = z.strictObject({ key: base64, dump: base64, expiresAtMs: z.int().positive().nullable() });
const END = z.strictObject({ keys: z.int().nonnegative() });

export type LogicalHeader = z.infer<typeof HEADER>;

export interface LogicalEntry {
  readonly key: Buffer;
  readonly dump: Buffer;
  /** By Redis's own clock; `undefined`: it stays. */
  readonly expiresAtMs: number | undefined;
}

export const headerLine = (facts: Omit<LogicalHeader, 'format' | 'version'>): string =>
  `${JSON.stringify({ format: 'api-gateway-keys', version: 1, ...facts })}\n`;

export const entryLine = ({ key, dump, expiresAtMs }: LogicalEntry): string =>
  `${JSON.stringify({ key: key.toString('base64'), dump: dump.toString('base64'), expiresAtMs: expiresAtMs ?? null })}\n`;

export const endLine = (keys: number): string => `${JSON.stringify({ keys })}\n`;

/**
 * Reads such a file, in the order it was written.
 * @param lines without their ends
 * @throws {Error} where it is not one, or not whole
 */
export async function* readLogical(lines: AsyncIterable<string>): AsyncGenerator<LogicalEntry, number> {
  let keys = 0;
  let state: 'start' | 'keys' | 'end' = 'start';
  for await (const line of lines) {
    const value: unknown = parse(line);
    if (state === 'start') {
      if (!HEADER.safeParse(value).success) throw new Error('it is no copy of keys by this gateway, or of a later one');
      state = 'keys';
      continue;
    }
    const end = END.safeParse(value);
    const entry = ENTRY.safeParse(value);
    if (state === 'end' || (!end.success && !entry.success)) throw new Error(`line ${keys + 2} is something else`);
    if (end.success) {
      if (end.data.keys !== keys) throw new Error(`it has ${keys} keys and says ${end.data.keys}`);
      state = 'end';
    } else if (entry.success) {
      keys++;
      const { key, dump, expiresAtMs } = entry.data;
      yield {
        key: Buffer.from(key, 'base64'),
        dump: Buffer.from(dump, 'base64'),
        expiresAtMs: expiresAtMs ?? undefined,
      };
    }
  }
  if (state !== 'end') throw new Error(`it ends after ${keys} keys, without its last line`);
  return keys;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
