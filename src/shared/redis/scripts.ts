import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script as Redis knows it. */
export interface Script {
  readonly source: string;
  /** SHA-1 of the source, what EVALSHA takes. */
  readonly sha: string;
}

/** What is used of an ioredis client (Redis or Cluster). */
export interface ScriptClient {
  evalsha(sha: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  eval(source: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
}

/** The file's text, behind `head` where it has none of its own. Read once, at start. */
export function readScript(file: URL, head = ''): Script {
  const source = head + readFileSync(file, 'utf8');
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/** Redis does not have the script (first use, restart, failover) and so has run nothing: to send it whole repeats nothing. */
export const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT');

/** Runs a script in one round trip, in two where Redis does not have it. */
export async function runScript(
  client: ScriptClient,
  script: Script,
  { keys, args = [] }: { readonly keys: readonly string[]; readonly args?: readonly (string | number)[] },
): Promise<unknown> {
  try {
    return await client.evalsha(script.sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return client.eval(script.source, keys.length, ...keys, ...args);
  }
}

/** `KEYS[1]` := `ARGV[1]` for `ARGV[2]` milliseconds, also on a full Redis. */
export const setForMs = readScript(new URL('set-for-ms-1.lua', import.meta.url));
