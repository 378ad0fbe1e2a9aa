import { ask, expectBody } from '../shared/ask.ts';
import { treeCpuTime } from '../shared/cpu-time.ts';
import { runLoad } from '../shared/load.ts';
import type { LoadTool } from '../shared/load.ts';
import type { Processes } from '../shared/processes.ts';
import type { CaseName, CostCase } from './cases.ts';
import type { Subject, SubjectName } from './subjects.ts';

/** One load run against one subject; times are microseconds of CPU per request. */
export interface Measurement {
  readonly costCase: CaseName;
  readonly subject: SubjectName;
  /** Counted from 1. */
  readonly round: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
  readonly requestsPerSecond: number;
  /** CPU time over elapsed time: 1 is one core, wholly busy. */
  readonly busyCores: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Not empty: the run is reported and not used. */
  readonly problems: readonly string[];
}

export interface Bench {
  readonly processes: Processes;
  readonly tool: LoadTool;
  readonly loadCore: number | undefined;
  readonly connections: number;
}

export interface Target {
  readonly subject: Subject;
  readonly costCase: CostCase;
}

const urlOf = ({ subject, costCase }: Target): string =>
  `http://127.0.0.1:${subject.port}${subject.prefix}${costCase.path}`;

/**
 * Sends the case once and compares the answer byte by byte, before anything is measured.
 * @throws Error that says what differs
 */
export async function verify(target: Target): Promise<void> {
  const { subject, costCase } = target;
  try {
    expectBody(await ask(urlOf(target), costCase), costCase.responseBody);
  } catch (error) {
    throw new Error(`${subject.name}, ${costCase.title}: ${String(error)}`, { cause: error });
  }
}

/** Runs the load once without looking at the subject's CPU: connections open, code compiled, caches full. */
export async function warmUp(bench: Bench, target: Target, seconds: number): Promise<void> {
  await runLoad(bench.tool, plan(bench, target, seconds), { processes: bench.processes, core: bench.loadCore });
}

/** Measures one run: the subject's CPU time before and after, over the requests that were answered. */
export async function measure(
  bench: Bench,
  target: Target,
  run: { round: number; seconds: number },
): Promise<Measurement> {
  const { pid } = target.subject.process;
  const on = { processes: bench.processes, core: bench.loadCore };
  const before = treeCpuTime(pid);
  const startedAt = performance.now();
  const load = await runLoad(bench.tool, plan(bench, target, run.seconds), on);
  const elapsedUs = (performance.now() - startedAt) * 1000;
  const after = treeCpuTime(pid);
  const user = after.userUs - before.userUs;
  const system = after.systemUs - before.systemUs;
  const ended = target.subject.process.ended ? [`${target.subject.name} ended during the run`] : [];
  const requests = Math.max(load.requests, 1);
  return {
    costCase: target.costCase.name,
    subject: target.subject.name,
    round: run.round,
    userUs: user / requests,
    systemUs: system / requests,
    totalUs: (user + system) / requests,
    requestsPerSecond: load.requests / load.seconds,
    busyCores: (user + system) / elapsedUs,
    p50Us: load.p50Us,
    p99Us: load.p99Us,
    problems: [...load.problems, ...ended],
  };
}

const plan = (bench: Bench, target: Target, seconds: number): Parameters<typeof runLoad>[1] => ({
  request: target.costCase,
  url: urlOf(target),
  seconds,
  connections: bench.connections,
});
