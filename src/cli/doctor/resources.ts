import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import type { Config } from '../../shared/config/types.ts';
import { bytes, count } from '../output/quantities.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** Files of the process itself: log, epoll, Redis, the admin port. */
const OWN_FILES = 256;
/** With room for fewer clients than this it cannot serve anybody in earnest. */
const FEWEST_CLIENTS = 1_000;

export interface FileNeed {
  /** Client connections at most. */
  readonly clients: number;
  /** All open files at most. */
  readonly total: number;
}

/** Open files at the caps of the configuration. */
export function fileNeed({ server, upstreams }: Pick<Config, 'server' | 'upstreams'>): FileNeed {
  const clients = server.maxConnections;
  const toUpstreams = upstreams.reduce((sum, { connections, targets }) => sum + connections * targets.length, 0);
  return { clients, total: clients + toUpstreams * server.workers + OWN_FILES };
}

/** @param whose words for whose limit it is */
export function judgeFiles(need: FileNeed, limit: number | undefined, whose: string): Finding {
  const check = 'open files';
  if (limit === undefined) return ok(check, 'no limit that can be read here');
  const found = `${count(limit)} for ${whose}; MAX_CONNECTIONS and the upstreams may need ${count(need.total)}`;
  if (limit >= need.total) return ok(check, found);
  const advice =
    `Raise it (LimitNOFILE= of systemd, ulimits of compose, ulimit -Hn of a shell) to ${count(need.total)}, ` +
    'or lower MAX_CONNECTIONS: without a file a client hangs and an upstream cannot be reached.';
  const others = need.total - need.clients;
  return limit < others + FEWEST_CLIENTS ? fail(check, found, advice) : warn(check, found, advice);
}

/** The limit of a process. The hard one: Node raises the soft one to it when it starts. */
export function fileLimit(pid: number | 'self'): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/limits`, 'utf8');
    const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(text)?.[1];
    if (hard === undefined) return undefined;
    return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  } catch {
    return undefined; // not Linux, or another user's process
  }
}

export interface Memory {
  /** Of the machine, or what the container may use. */
  readonly totalBytes: number;
  /** That could be used now. */
  readonly availableBytes: number;
}

/** The front with its supervisor, and a request thread, both busy. */
const BASE_BYTES = 160 * 1024 ** 2;
const THREAD_BYTES = 64 * 1024 ** 2;

/** @param running the gateway runs already, so what it needs is no longer among what is available */
export function judgeMemory(memory: Memory, workers: number, running: boolean): Finding {
  const check = 'memory';
  const need = BASE_BYTES + THREAD_BYTES * workers;
  const { totalBytes, availableBytes } = memory;
  const threads = `${workers} request thread${workers === 1 ? '' : 's'}`;
  const found = `${bytes(availableBytes)} of ${bytes(totalBytes)} available; ${threads} want about ${bytes(need)}`;
  const advice = 'Give the machine or the container more, or lower WORKERS.';
  if (totalBytes < need) return fail(check, found, advice);
  if (!running && availableBytes < need) return warn(check, found, `${advice} Or see what else uses it.`);
  return ok(check, found);
}

export function inspectMemory(): Memory {
  const limit = process.constrainedMemory();
  const total = totalmem();
  // Without a limit the kernel's "limit" is a number beyond any memory.
  if (limit === 0 || limit >= total) return { totalBytes: total, availableBytes: availableMemory() };
  return { totalBytes: limit, availableBytes: Math.min(limit, availableMemory()) };
}

/** What `free` calls available; free memory alone leaves out caches that would make room. */
function availableMemory(): number {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    return kib === undefined ? freemem() : Number(kib) * 1024;
  } catch {
    return freemem();
  }
}

export function judgeProcessors(workers: number, processors = availableParallelism()): Finding {
  const found = `${count(processors)} for ${count(workers)} request threads`;
  if (workers <= processors) return ok('processors', found);
  return warn('processors', found, 'Lower WORKERS to the number of processors: more threads only take turns.');
}
