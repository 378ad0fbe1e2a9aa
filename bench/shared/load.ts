import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from './processes.ts';
import type { Processes } from './processes.ts';
import { wrkScript } from './wrk-script.ts';
import type { LoadRequest } from './wrk-script.ts';

/** What a load run saw. `problems` is empty for a run that may be used. */
export interface LoadResult {
  /** Complete answers, of any status. */
  readonly requests: number;
  /** Answers by status; empty where the plan did not ask for it. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly problems: readonly string[];
}

export interface LoadPlan {
  readonly request: LoadRequest;
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
}

export interface LoadTool {
  readonly name: string;
  command(plan: LoadPlan): readonly [string, ...string[]];
  parse(output: string): LoadResult;
}

/** wrk where it is installed; else autocannon, which needs several times the CPU and so loads the subject less. */
export function chooseLoadTool(folder: string): LoadTool {
  const wrk = findProgram('wrk');
  return wrk === undefined ? autocannonTool() : wrkTool(wrk, folder);
}

/** Runs one load to its end. @throws Error when the tool fails or its output cannot be read */
export async function runLoad(
  tool: LoadTool,
  plan: LoadPlan,
  on: { processes: Processes; core: number | undefined },
): Promise<LoadResult> {
  const started = on.processes.start({ name: tool.name, command: tool.command(plan) }, on.core);
  await started.exited;
  if (started.child.exitCode !== 0) throw started.failure('load failed');
  try {
    return tool.parse(started.stdout);
  } catch (error) {
    throw started.failure(`unexpected output: ${String(error)}`);
  }
}

function wrkTool(program: string, folder: string): LoadTool {
  return {
    name: 'wrk',
    command({ request, url, seconds, connections }) {
      const script = join(folder, `${request.name}.lua`);
      writeFileSync(script, wrkScript(request));
      return [program, '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
    },
    parse: parseWrk,
  };
}

type WrkNumber = 'requests' | 'us' | 'p50' | 'p99' | 'connect' | 'read' | 'write' | 'status' | 'timeout';

/** Reads the RESULT line of our wrk script. @throws Error when there is none */
export function parseWrk(output: string): LoadResult {
  const line = /^RESULT (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error('no RESULT line');
  const seen = JSON.parse(line) as Record<WrkNumber, number> & { statuses: Record<string, number> };
  const counted = Object.keys(seen.statuses).length > 0;
  const problems = (['connect', 'read', 'write', 'status', 'timeout'] as const)
    .filter((kind) => seen[kind] !== 0 && !(kind === 'status' && counted))
    .map((kind) => `${kind} errors: ${seen[kind]}`);
  if (seen.requests === 0) problems.push('no request was answered');
  const { requests, statuses, us, p50: p50Us, p99: p99Us } = seen;
  return { requests, statuses, seconds: us / 1e6, p50Us, p99Us, problems };
}

function autocannonTool(): LoadTool {
  const program = fileURLToPath(import.meta.resolve('autocannon'));
  return {
    name: 'autocannon',
    command({ request: { method, requestBody, rotated, countStatuses }, url, seconds, connections }) {
      if (rotated !== undefined || countStatuses === true) throw new Error('this case needs wrk: apt-get install wrk');
      const body = requestBody === undefined ? [] : ['-b', requestBody];
      const size = ['-c', String(connections), '-d', String(seconds), '-m', method];
      return [process.execPath, program, '-j', '-n', ...size, ...body, url];
    },
    parse: parseAutocannon,
  };
}

/** Reads autocannon's `--json` output. @throws Error when it is not that */
export function parseAutocannon(output: string): LoadResult {
  const seen = JSON.parse(output.slice(output.indexOf('{'))) as Record<
    'duration' | '2xx' | 'non2xx' | 'errors' | 'timeouts' | 'resets',
    number
  > & { latency: { p50: number; p99: number } };
  const problems = (['non2xx', 'errors', 'timeouts', 'resets'] as const)
    .filter((kind) => seen[kind] !== 0)
    .map((kind) => `${kind}: ${seen[kind]}`);
  if (seen['2xx'] === 0) problems.push('no request was answered');
  const { p50, p99 } = seen.latency;
  return {
    requests: seen['2xx'],
    statuses: {},
    seconds: seen.duration,
    p50Us: p50 * 1000,
    p99Us: p99 * 1000,
    problems,
  };
}
