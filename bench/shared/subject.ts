import { clientOrigin } from './gateway.ts';
import type { Proxy } from './gateway.ts';
import type { Started } from './processes.ts';
import { stopRedis } from './redis.ts';
import type { BenchRedis } from './redis.ts';

/** Who is measured. */
export interface Subject {
  readonly name: string;
  /** What goes before the path of a case, without a slash at its end. */
  readonly url: string;
  /** The same of its further nodes, where several gateways are one subject: the load is dealt out over all. */
  readonly moreUrls?: readonly string[];
  /** Whose CPU time is the subject's, with all that descends from them. */
  readonly processes: readonly Started[];
  /** A Redis of its own, the cost of which is the subject's as well. */
  readonly redis?: BenchRedis | undefined;
  /** Cores it may use: its threads. Default 1. */
  readonly threads?: number;
  /** Nothing lies between it and the load, so that it is the ceiling and cannot be held against it. */
  readonly straight?: true;
}

export interface SubjectExtras {
  readonly redis?: BenchRedis;
  readonly threads?: number;
}

export function subjectOf(name: string, proxy: Proxy, extras: SubjectExtras = {}): Subject {
  return { name, url: clientOrigin(proxy) + proxy.prefix, processes: [proxy.process], ...extras };
}

/** Ends its processes and its Redis. */
export async function stopSubject({ processes, redis }: Subject): Promise<void> {
  await Promise.all(processes.map((each) => each.stop()));
  if (redis !== undefined) await stopRedis(redis);
}
