import { join } from 'node:path';
import { startGateway, subjectContext } from '../shared/gateway.ts';
import { exchangeCase, SMALL_GET } from '../shared/exchanges.ts';
import { runCase } from '../shared/load-case.ts';
import { createRecorder } from '../shared/recorder.ts';
import { openSession } from '../shared/session.ts';
import type { OpenSession } from '../shared/session.ts';
import { ratiosByRound } from '../shared/statistics.ts';
import type { Point } from '../shared/statistics.ts';
import { subjectOf } from '../shared/subject.ts';
import { NO_OPTIONS } from '../shared/suite.ts';
import { startUpstream } from '../shared/upstream-process.ts';
import { buildCommit, hasUncommitted, resolveCommit, samePackages } from './builds.ts';
import { judge } from './verdict.ts';

export interface GateOptions {
  readonly base: string;
  /** The most HEAD / base may be. */
  readonly threshold: number;
  readonly rounds: number;
  /** Seconds of one load run. */
  readonly duration: number;
  readonly load: 'autocannon' | 'wrk';
}

const say = (line: string): void => console.error(line);

/** Compares the CPU per request of HEAD and a base commit in alternating rounds. False when HEAD is over the threshold. */
export async function runGate(options: GateOptions): Promise<boolean> {
  const commits = { HEAD: resolveCommit('HEAD'), base: resolveCommit(options.base) };
  if (hasUncommitted()) say('Changes that are not committed are not measured: the gate compares commits.');
  if (!samePackages(commits.HEAD, commits.base)) {
    say('The two commits ask for different packages; both run with those of the working tree.');
  }
  const session = openSession('gate', options.load);
  try {
    const ratios = await measureRatios(session, commits, options);
    const { passed, line } = judge(ratios, options.threshold);
    console.log(line);
    return passed;
  } finally {
    await session.close();
  }
}

async function measureRatios(
  session: OpenSession,
  commits: Readonly<Record<'HEAD' | 'base', string>>,
  { rounds, duration, load }: GateOptions,
): Promise<number[]> {
  const suite = { name: 'gate', question: 'Does HEAD need more CPU per request than the base?' };
  const record = createRecorder({ suite, session, say, options: { ...NO_OPTIONS, load } });
  const upstream = await startUpstream(session);
  const subjects = [];
  for (const name of ['HEAD', 'base'] as const) {
    record.progress(`building ${name}, ${commits[name].slice(0, 9)}`);
    const dist = await buildCommit(session.processes, commits[name], join(session.folder, name));
    subjects.push(subjectOf(name, await startGateway(subjectContext(session, upstream), { dist })));
  }
  const settings = { connections: 64, seconds: duration, rounds, warmUpSeconds: Math.min(3, duration) };
  const { runs } = await runCase({ session, record, settings, upstream }, exchangeCase(SMALL_GET, subjects));
  const points = (name: string): Point[] =>
    runs
      .filter(({ subject, problems }) => subject === name && problems.length === 0)
      .map(({ round, totalUs }) => ({ round, value: totalUs }));
  return ratiosByRound(points('HEAD'), points('base'));
}
