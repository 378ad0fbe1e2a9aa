import { runProgram } from '../run-program.ts';

const UNKNOWN_FORMAT = /Can't handle RDB format version/;

/** What redis-check-rdb counts. */
export interface RdbCounts {
  readonly keys: number;
  readonly expires: number;
}

/** The checker is older than what wrote the snapshot, or of another family: Redis and Valkey have formats of their own. */
export class ForeignFormat extends Error {}

/**
 * Has redis-check-rdb read a snapshot: its checksum, and every key of it.
 * @param options `cpuShare`: of one core, that it may take
 * @throws {ForeignFormat} where it does not know the format
 * @throws {Error} where it is not whole, with the last thing it said
 */
export async function checkRdb(
  path: string,
  { cpuShare, signal }: { readonly cpuShare: number; readonly signal: AbortSignal },
): Promise<RdbCounts> {
  const end = await runProgram(['redis-check-rdb', path], { cpuShare, signal });
  if (end === undefined) throw new Error('there is no redis-check-rdb on this node');
  const lines = end.stdout.trim().split('\n');
  if (end.code !== 0) {
    const why = lines.find((line) => /error|RDB ERROR|mismatch|Unexpected|Internal/i.test(line)) ?? lines.at(-1) ?? '';
    const text = `redis-check-rdb refuses the snapshot: ${why.replace(/^\S* ?\[?[^\]]*\]? ?/, '').slice(0, 200)}`;
    throw lines.some((line) => UNKNOWN_FORMAT.test(line)) ? new ForeignFormat(text) : new Error(text);
  }
  const count = (what: string): number | undefined => {
    const digits = new RegExp(`^\\[info\\] (\\d+) ${what}$`, 'm').exec(end.stdout)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  const [keys, expires] = [count('keys read'), count('expires')];
  if (keys === undefined || expires === undefined) throw new Error('redis-check-rdb does not say what it has read');
  return { keys, expires };
}
