import type { FrontKind } from '../../src/shared/config/types.ts';
import type { BenchResult, Chart, Check, CpuShare, Measure, Ratio } from './result.ts';
import type { Session } from './session.ts';

/** What the command line says; a suite takes what concerns it and ignores the rest. */
export interface SuiteOptions {
  /** Client connections of the load. */
  readonly connections: number | undefined;
  /** Seconds of one load run (for `soak`: of the whole). */
  readonly seconds: number | undefined;
  readonly rounds: number | undefined;
  /** Request threads of the gateway. */
  readonly workers: number | undefined;
  /** Gateways on one Redis. */
  readonly nodes: number | undefined;
  /** Requests per second of an open loop. */
  readonly rate: number | undefined;
  /** An upstream of the user's own instead of the bench's. */
  readonly target: string | undefined;
  /** The load generator; undefined = autocannon where the case can use it. */
  readonly load: 'autocannon' | 'wrk' | undefined;
  /** Gateways with these fronts instead of one with the front it has unless told (`cost`, `connections`). */
  readonly front: readonly FrontKind[] | undefined;
  /** Names of the exchanges (`cost`) or parts (`identity`, `websocket`) that are measured; undefined = all. */
  readonly cases: readonly string[] | undefined;
  /** Also sample where the gateway spends its time, where the suite can. */
  readonly profile: boolean;
  /** Everything as short as it can be and still run: for the tests of the bench itself, never for figures. */
  readonly miniature: boolean;
}

/** Nothing is said. */
export const NO_OPTIONS: SuiteOptions = {
  connections: undefined,
  seconds: undefined,
  rounds: undefined,
  workers: undefined,
  nodes: undefined,
  rate: undefined,
  target: undefined,
  load: undefined,
  front: undefined,
  cases: undefined,
  profile: false,
  miniature: false,
};

/** What a suite says while it runs and what it found; kept in the order it was said. */
export interface Recorder {
  measure(one: Measure): void;
  ratio(one: Ratio): void;
  check(one: Check): void;
  chart(one: Chart): void;
  cpuShare(one: CpuShare): void;
  note(text: string): void;
  tool(name: string, version: string): void;
  method(part: Partial<BenchResult['method']>): void;
  /** One line for whoever waits; not part of the result. */
  progress(text: string): void;
}

export interface SuiteContext {
  readonly options: SuiteOptions;
  readonly record: Recorder;
  /** Processes, folder, cores and the upstream of this run; all is ended when the suite has ended, and on Ctrl-C. */
  readonly session: Session;
}

/** One suite; `bench/suites/<name>/suite.ts` exports it as `suite`. */
export interface Suite {
  readonly name: string;
  /** The question it answers, one line. */
  readonly question: string;
  /** How long it takes with its defaults, in words. */
  readonly takes: string;
  /** Resolves when done; rejects only for what makes the result worthless (a failed audit is a check, not an error). */
  run(context: SuiteContext): Promise<void>;
  /** What is printed of its result; undefined = all of it, as Markdown. */
  readonly print?: (result: BenchResult) => string;
}
