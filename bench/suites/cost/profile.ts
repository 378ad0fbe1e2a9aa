import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of a `.cpuprofile` (V8 inspector `Profiler.Profile`) that are read here; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface FrameCost {
  readonly frame: string;
  readonly selfUs: number;
  /** Of the time that was not idle, 0 to 1. */
  readonly share: number;
}

/** Self time of every frame over all profiles together, dearest first; idle time is left out. */
export function selfTimes(profiles: readonly CpuProfile[]): FrameCost[] {
  const spent = new Map<string, number>();
  for (const profile of profiles) {
    const names = new Map(profile.nodes.map((node) => [node.id, frameName(node.callFrame)]));
    profile.samples.forEach((id, i) => {
      const name = names.get(id) ?? '(unknown)';
      spent.set(name, (spent.get(name) ?? 0) + Math.max(profile.timeDeltas[i] ?? 0, 0));
    });
  }
  spent.delete('(idle)');
  const total = [...spent.values()].reduce((sum, us) => sum + us, 0);
  return [...spent]
    .map(([frame, selfUs]) => ({ frame, selfUs, share: total === 0 ? 0 : selfUs / total }))
    .toSorted((a, b) => b.selfUs - a.selfUs);
}

function frameName({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules)\//, '$1/');
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}

/**
 * The profiles of the request threads in a `--cpu-prof-dir`; of the main thread where there is no other.
 * Node names them `CPU.date.time.pid.THREAD.sequence.cpuprofile`, thread 0 being the main one.
 * @throws Error when there is none
 */
export function readThreadProfiles(folder: string): CpuProfile[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'));
  const threads = files.filter((file) => file.split('.').at(4) !== '0');
  const chosen = threads.length > 0 ? threads : files;
  if (chosen.length === 0) throw new Error(`no .cpuprofile in ${folder}: the gateway did not end in order`);
  return chosen.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile);
}
