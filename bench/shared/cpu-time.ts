import { readFileSync, readdirSync } from 'node:fs';

/** CPU time since a process started, all its threads, dead ones included. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

// USER_HZ, the unit of /proc/PID/stat: 100 a second on every Linux architecture Node runs on.
const US_PER_TICK = 10_000;

/** The fields of a `/proc/PID/stat` line that matter here. The name may itself hold blanks and brackets. */
export function parseStat(line: string): CpuTime & { readonly parent: number } {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  return { parent: number(1), userUs: number(11) * US_PER_TICK, systemUs: number(12) * US_PER_TICK };
}

/** CPU time of one process, its children left out; undefined when it has ended. */
export function cpuTime(pid: number): ReturnType<typeof parseStat> | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined; // ended meanwhile
  }
}

/** A process and everything that descends from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = cpuTime(Number(name))?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** CPU time of a whole process tree; 10 ms steps, so a run of seconds is known to a fraction of a percent. */
export function treeCpuTime(root: number): CpuTime {
  let userUs = 0;
  let systemUs = 0;
  for (const pid of processTree(root)) {
    const time = cpuTime(pid);
    userUs += time?.userUs ?? 0;
    systemUs += time?.systemUs ?? 0;
  }
  return { userUs, systemUs };
}
