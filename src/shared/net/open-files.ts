import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Where the system does not say. */
const USUAL_LIMIT = 1_024;

/** How many descriptors this process may have. Node has raised it to what the system allows at most (`ulimit -Hn`). */
export function openFilesLimit(): number {
  try {
    const text = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return text === 'unlimited' ? 2 ** 31 - 1 : Number(text ?? USUAL_LIMIT);
  } catch {
    return USUAL_LIMIT;
  }
}

/** How many descriptors this process has; `undefined` where the system does not say. */
export function openFiles(): number | undefined {
  try {
    // Linux 6.2 and newer; others say 0, and there they must be counted.
    return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length;
  } catch {
    return undefined; // no such place, or none left to look with
  }
}

/** Descriptors kept back for the admin port, upstreams, Redis and files. */
export const reservedFiles = (limit: number): number => Math.min(1_024, Math.max(64, Math.floor(limit / 8)));

/** Most connections of one thread by default, whatever the limit of open files. */
const MOST_PER_THREAD = 20_000;
const LEAST_CONNECTIONS = 16;

/** Where MAX_CONNECTIONS is not set: half of what there is, because each may need a connection to an upstream. */
export function defaultMaxConnections(limit: number, workers: number): number {
  const half = Math.floor((limit - reservedFiles(limit)) / 2);
  return Math.max(LEAST_CONNECTIONS, Math.min(half, MOST_PER_THREAD * workers));
}
