import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/*
 * Temporary files and folders carry who makes them: `<host>-<process>-<random>`. A process that is killed leaves them
 * behind, and the next one can tell them from those of somebody who is still at work.
 */

const HOST = createHash('sha256').update(`${hostname()} ${processNumbers()}`).digest('hex').slice(0, 8);
/** Of whom nothing can be learnt: on another host, in another container, or with a process number that is used again. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;
const TAG = /\b([0-9a-f]{8})-(\d+)-([0-9a-f]{12})\b/;

/** Whose process numbers ours are: containers count for themselves, also those that share a host name and a folder. */
function processNumbers(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // not Linux: there are no containers of that kind
  }
}

const ours = new Set<string>();

/** A tag for something temporary, which is ours until it is let go. */
export function takeTag(): { readonly tag: string; readonly letGo: () => void } {
  const tag = `${HOST}-${process.pid}-${randomBytes(6).toString('hex')}`;
  ours.add(tag);
  return { tag, letGo: () => void ours.delete(tag) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether nobody is at work any more on what has this name. @param ageMs since it was last written to */
export function isAbandoned(name: string, ageMs: number): boolean {
  const [tag, host, pid] = TAG.exec(name) ?? [];
  if (tag === undefined) return false;
  if (ours.has(tag)) return false;
  const gone = host === HOST && (Number(pid) === process.pid || !isAlive(Number(pid)));
  return gone || ageMs > ABANDONED_AFTER_MS;
}
