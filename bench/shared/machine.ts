import { cpus, loadavg, release, totalmem } from 'node:os';
import { findProgram } from './processes.ts';

/** Where the numbers were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Load average of the last minute, before the bench: well below 1 on a quiet machine. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** Which core each has; undefined = not pinned. On a machine with two cores all but the subject share one. */
export interface Cores {
  readonly subject: number | undefined;
  readonly load: number | undefined;
  readonly upstream: number | undefined;
  readonly redis: number | undefined;
}

export function chooseCores(machine: Pick<Machine, 'cores'>): Cores {
  const { cores } = machine;
  if (cores < 2 || findProgram('taskset') === undefined) {
    return { subject: undefined, load: undefined, upstream: undefined, redis: undefined };
  }
  return { subject: 1, load: 0, upstream: cores > 2 ? 2 : 0, redis: cores > 3 ? 3 : cores > 2 ? 2 : 0 };
}
