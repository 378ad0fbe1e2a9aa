import { cpus, loadavg, release, totalmem } from 'node:os';
import { kernelText } from '../../src/shared/net/tcp-table.ts';
import { findProgram } from './processes.ts';

/**
 * Whether a system call changes the page tables (Linux: Documentation/arch/x86/pti.rst). Without PCID each change also
 * empties the TLB, so that a program that touches many pages pays more for a system call than one that touches few.
 */
export const PAGE_TABLE_ISOLATIONS = ['off', 'with PCID', 'without PCID', 'unknown'] as const;
export type PageTableIsolation = (typeof PAGE_TABLE_ISOLATIONS)[number];

/** Where the numbers were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly pageTableIsolation: PageTableIsolation;
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
    pageTableIsolation: isolationOf(
      kernelText('/sys/devices/system/cpu/vulnerabilities/meltdown'),
      kernelText('/proc/cpuinfo'),
    ),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** From what the kernel says of Meltdown and of the first CPU's flags; '' = it does not say. */
export function isolationOf(meltdown: string, cpuInfo: string): PageTableIsolation {
  if (meltdown === '') return 'unknown';
  if (!meltdown.includes('PTI')) return 'off';
  const flags = /^flags\s*:(.*)$/m.exec(cpuInfo)?.[1];
  if (flags === undefined) return 'unknown';
  return flags.split(' ').includes('pcid') ? 'with PCID' : 'without PCID';
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
