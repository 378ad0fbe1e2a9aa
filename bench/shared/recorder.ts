import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LoadToolName } from './load/run.ts';
import type { Machine } from './machine.ts';
import { findProgram, versionOf } from './processes.ts';
import { RESULT_SCHEMA, resultSchema } from './result.ts';
import type { BenchResult } from './result.ts';
import type { Session } from './session.ts';
import type { Recorder, Suite, SuiteOptions } from './suite.ts';

/** Results of a suite that ran before are no part of what is measured. */
const MEASURED = [':/', ':(exclude,top)bench/results'];

/** dist/bench/shared and bench/shared both lie two below something in the working tree. */
const HERE = fileURLToPath(new URL('.', import.meta.url));

export interface OpenRecorder extends Recorder {
  /** The whole, checked against the schema. @throws ZodError when a suite recorded what the schema forbids */
  finish(): BenchResult;
}

export interface RecorderPlan {
  readonly suite: Pick<Suite, 'name' | 'question'>;
  readonly options: SuiteOptions;
  readonly session: Pick<Session, 'machine' | 'cores' | 'tool'>;
  /** Takes one line for whoever waits. */
  readonly say: (line: string) => void;
}

export function createRecorder({ suite, options, session, say }: RecorderPlan): OpenRecorder {
  const { machine, cores, tool } = session;
  const startedMs = performance.now();
  const result: BenchResult = {
    schema: RESULT_SCHEMA,
    suite: suite.name,
    question: suite.question,
    startedAt: new Date().toISOString(),
    tookSeconds: 0,
    ...gitState(),
    machine,
    tools: { [tool]: toolVersion(tool) },
    options: definedOnly(options),
    method: {
      load: tool,
      rounds: 1,
      secondsPerRun: 0,
      warmUpSeconds: 0,
      pinned: { subject: cores.subject ?? null, load: cores.load ?? null },
      loadCeilingPerSecond: null,
    },
    measures: [],
    ratios: [],
    checks: [],
    charts: [],
    cpuShares: [],
    notes: notesBefore(options, machine),
  };
  return {
    measure: (one) => void result.measures.push(one),
    ratio: (one) => void result.ratios.push(one),
    check: (one) => void result.checks.push(one),
    chart: (one) => void result.charts.push(one),
    cpuShare: (one) => void result.cpuShares.push(one),
    note: (text) => void result.notes.push(text),
    tool: (name, version) => void (result.tools[name] = version),
    method: (part) => void Object.assign(result.method, part),
    progress(text) {
      say(`[${suite.name} ${Math.round((performance.now() - startedMs) / 1000)} s] ${text}`);
    },
    finish() {
      result.tookSeconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
      return resultSchema.parse(result);
    },
  };
}

function toolVersion(tool: LoadToolName): string {
  if (tool === 'wrk') return versionOf(findProgram('wrk') ?? 'wrk');
  const manifest = new URL('./package.json', import.meta.resolve('autocannon'));
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Load average that a quiet machine does not have. */
const BUSY_BEFORE = 0.7;

function notesBefore({ miniature }: SuiteOptions, { loadBefore }: Machine): string[] {
  return [
    ...(miniature ? ['A miniature: it shows that the suite runs; its figures mean nothing.'] : []),
    ...(loadBefore > BUSY_BEFORE ? [`The machine was not quiet: load average ${loadBefore} before the run.`] : []),
  ];
}

function definedOnly(options: SuiteOptions): BenchResult['options'] {
  const entries = Object.entries(options).flatMap(([name, value]: [string, SuiteOptions[keyof SuiteOptions]]) => {
    if (value === undefined) return [];
    return [[name, typeof value === 'object' ? value.join(',') : value] as const];
  });
  return Object.fromEntries(entries);
}

function gitState(): { commit: string; dirty: boolean } {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', HERE, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return { commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain', '--', ...MEASURED) !== '' };
  } catch {
    return { commit: 'unknown', dirty: false };
  }
}
