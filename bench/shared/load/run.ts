import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuTime } from '../cpu-time.ts';
import { findProgram } from '../processes.ts';
import type { Processes, Started } from '../processes.ts';
import type { LoadMessage, LoadPlan, LoadRequest, LoadResult } from './plan.ts';
import { parseWrk } from './wrk.ts';
import { wrkScript } from './wrk-script.ts';

export type LoadToolName = 'autocannon' | 'wrk';

/** Where the load runs. */
export interface LoadPlace {
  readonly processes: Processes;
  readonly folder: string;
  readonly cores: { readonly load: number | undefined };
  readonly tool: LoadToolName;
}

/** A load that is under way. */
export interface RunningLoad {
  readonly process: Started;
  /** When it began to send, in this process's `performance.now()`; the zero of its timeline. */
  readonly startedMs: Promise<number>;
  readonly result: Promise<LoadResult>;
}

const WRK_SAMPLE_MS = 100;

const CHILDREN = {
  autocannon: new URL('./autocannon-child.js', import.meta.url),
  'open-loop': new URL('./open-loop-child.js', import.meta.url),
  'new-connections': new URL('./new-connections-child.js', import.meta.url),
  websocket: new URL('./websocket-echo-child.js', import.meta.url),
};

/** autocannon unless wrk is asked for. @throws Error when wrk is asked for and not installed */
export function chooseLoadTool(wanted: LoadToolName | undefined): LoadToolName {
  if (wanted === 'wrk' && findProgram('wrk') === undefined)
    throw new Error('wrk is not installed: apt-get install wrk');
  return wanted ?? 'autocannon';
}

/** Runs one load to its end. @throws Error when the tool fails or its output cannot be read */
export function runLoad(place: LoadPlace, plan: LoadPlan): Promise<LoadResult> {
  return startLoad(place, plan).result;
}

/**
 * Starts a load: by our own clients WebSockets, and an open loop where the plan has a rate or the place's tool cannot tell
 * a timeline; else by the tool of the place.
 */
export function startLoad(place: LoadPlace, plan: LoadPlan): RunningLoad {
  if (plan.request.websocket !== undefined) return startChild(place, plan, 'websocket');
  if (plan.ratePerSecond !== undefined) return startChild(place, plan, 'open-loop');
  const notForWrk = plan.timelineMs !== undefined || plan.moreUrls !== undefined;
  // autocannon loses count of its requests when a server closes.
  if (plan.request.newConnections === true && place.tool === 'autocannon')
    return startChild(place, plan, 'new-connections');
  if (place.tool === 'autocannon' || notForWrk) return startChild(place, plan, 'autocannon');
  return startWrk(place, plan);
}

function startChild(place: LoadPlace, plan: LoadPlan, name: keyof typeof CHILDREN): RunningLoad {
  const command = [process.execPath, fileURLToPath(CHILDREN[name]), JSON.stringify(plan)] as const;
  const started = place.processes.start({ name, command, ipc: true }, place.cores.load);
  const ended = started.exited.then(() => Promise.reject(started.failure('load failed')));
  const told = <T>(pick: (message: LoadMessage) => T | undefined): Promise<T> => {
    const heard = new Promise<T>((resolve) => {
      started.child.on('message', (message: LoadMessage) => {
        const value = pick(message);
        if (value !== undefined) resolve(value);
      });
    });
    return Promise.race([heard, ended]);
  };
  const startedMs = told((message) => (message.type === 'started' ? performance.now() : undefined));
  const result = told((message) => (message.type === 'result' ? message.result : undefined));
  // Whoever waits hears it; a suite that fails before it waits has its own error to tell.
  startedMs.catch(() => {});
  result.catch(() => {});
  return { process: started, startedMs, result };
}

/** wrk has one thread, tells no timeline and no rate. */
function startWrk(place: LoadPlace, { request, url, seconds, connections }: LoadPlan): RunningLoad {
  const program = findProgram('wrk') ?? 'wrk';
  const script = join(place.folder, `${request.name}.lua`);
  writeFileSync(script, wrkScript(request));
  const length = `-d${Math.max(1, Math.round(seconds))}s`; // whole seconds only
  const command = [program, '-t1', `-c${connections}`, length, '-s', script, url] as const;
  const started = place.processes.start({ name: 'wrk', command }, place.cores.load);
  return { process: started, startedMs: Promise.resolve(performance.now()), result: wrkResult(started, request) };
}

async function wrkResult(started: Started, request: LoadRequest): Promise<LoadResult> {
  const beganMs = performance.now();
  // A process that has ended tells nothing more, so its last known time counts.
  let seen = { cpuUs: 0, atMs: beganMs };
  const sampling = setInterval(() => {
    const time = cpuTime(started.pid);
    if (time !== undefined) seen = { cpuUs: time.userUs + time.systemUs, atMs: performance.now() };
  }, WRK_SAMPLE_MS);
  await started.exited;
  clearInterval(sampling);
  if (started.child.exitCode !== 0) throw started.failure('load failed');
  try {
    const busyCores = seen.cpuUs / 1000 / Math.max(seen.atMs - beganMs, 1);
    return { ...parseWrk(started.stdout, request), busyCores };
  } catch (error) {
    throw started.failure(`unexpected output: ${String(error)}`);
  }
}
