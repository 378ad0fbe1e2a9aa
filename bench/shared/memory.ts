import { kernelText } from '../../src/shared/net/tcp-table.ts';
import { processTree } from './cpu-time.ts';

/** What a process tree holds in memory. What the kernel keeps for its sockets is in neither number. */
export interface Memory {
  /** Pages that several of its processes share are counted for each. */
  readonly rssBytes: number;
  /** Shared pages by their share; undefined where the kernel does not tell. */
  readonly pssBytes: number | undefined;
}

/** Reads `Rss:`, `VmRSS:` and the like of a file in /proc/PID; undefined = it is not there. */
export function kilobytesOf(text: string, field: string): number | undefined {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value) * 1024;
}

/** Of a process and all that descends from it; 0 of those that have ended. */
export function treeMemory(root: number): Memory {
  const all = processTree(root).map(memoryOf);
  const pss = all.map(({ pssBytes }) => pssBytes);
  return {
    rssBytes: all.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    pssBytes: pss.includes(undefined) ? undefined : pss.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0),
  };
}

/** smaps_rollup walks the pages and is exact; the counter in status may be some pages late for each thread. */
function memoryOf(pid: number): Memory {
  const rollup = read(pid, 'smaps_rollup');
  const rss = kilobytesOf(rollup, 'Rss') ?? kilobytesOf(read(pid, 'status'), 'VmRSS') ?? 0;
  return { rssBytes: rss, pssBytes: kilobytesOf(rollup, 'Pss') };
}

const read = (pid: number, file: string): string => kernelText(`/proc/${pid}/${file}`);
