import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { CaseName, CostCase } from './cases.ts';
import { treeCpuTime } from './cpu-time.ts';
import { runLoad } from './load.ts';
import type { LoadTool } from './load.ts';
import type { Processes } from './processes.ts';
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
  const wrong = (what: string): Error => new Error(`${subject.name}, ${costCase.title}: ${what}`);
  const req = request(urlOf(target), { method: costCase.method, agent: false, timeout: 10_000 });
  req.once('timeout', () => req.destroy(new Error('no answer within 10 s')));
  req.end(costCase.requestBody);
  const [answer] = (await once(req, 'response').catch((error: unknown) => {
    throw wrong(String(error));
  })) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
  const body = Buffer.concat(parts);
  if (answer.statusCode !== 200) throw wrong(`status ${answer.statusCode}: ${body.toString().slice(0, 200)}`);
  if (!body.equals(Buffer.from(costCase.responseBody))) throw wrong(`another body (${body.length} bytes)`);
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
  costCase: target.costCase,
  url: urlOf(target),
  seconds,
  connections: bench.connections,
});
