import { join } from 'node:path';
import type { FrontKind } from '../../src/shared/config/types.ts';
import { EXCHANGES, exchangeCase, SMALL_GET } from '../shared/exchanges.ts';
import type { Exchange } from '../shared/exchanges.ts';
import { gatewayVariants } from '../shared/fronts.ts';
import type { GatewayVariant } from '../shared/fronts.ts';
import { startGateway, subjectContext } from '../shared/gateway.ts';
import { runCase } from '../shared/load-case.ts';
import type { CaseContext } from '../shared/load-case.ts';
import { createRecorder } from '../shared/recorder.ts';
import { openSession } from '../shared/session.ts';
import { ratiosByRound } from '../shared/statistics.ts';
import type { Point } from '../shared/statistics.ts';
import { stopSubject, subjectOf } from '../shared/subject.ts';
import type { Recorder } from '../shared/suite.ts';
import { NO_OPTIONS } from '../shared/suite.ts';
import { makeCertificate } from '../shared/tls.ts';
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
  /** Names of exchanges. */
  readonly cases: readonly string[];
  /** Undefined = what each commit has unless told. */
  readonly front: readonly FrontKind[] | undefined;
}

/** What HEAD and base are compared in. */
interface Comparison {
  readonly variant: GatewayVariant;
  readonly exchange: Exchange;
}

type Builds = Readonly<Record<'HEAD' | 'base', string>>;

const SIDES = ['HEAD', 'base'] as const;
export const DEFAULT_CASES: readonly string[] = [SMALL_GET.name];
const say = (line: string): void => console.error(line);

/**
 * Compares the CPU per request of HEAD and a base commit in alternating rounds, in each case on its own. False when HEAD is
 * over the threshold in one of them.
 */
export async function runGate(options: GateOptions): Promise<boolean> {
  const base = resolveCommit(options.base); // first: what was typed is what is most likely wrong
  const commits = { HEAD: resolveCommit('HEAD'), base };
  if (hasUncommitted()) say('Changes that are not committed are not measured: the gate compares commits.');
  if (!samePackages(commits.HEAD, commits.base)) {
    say('The two commits ask for different packages; both run with those of the working tree.');
  }
  const comparisons = comparisonsOf(options);
  const session = openSession('gate', options.load);
  try {
    const suite = { name: 'gate', question: 'Does HEAD need more CPU per request than the base?' };
    const record = createRecorder({ suite, session, say, options: { ...NO_OPTIONS, load: options.load } });
    const { rounds, duration } = options;
    const settings = { connections: 64, seconds: duration, rounds, warmUpSeconds: Math.min(3, duration) };
    const context: CaseContext = { session, record, settings, upstream: await startUpstream(session) };
    const builds = await buildBoth(context, commits, record);
    let allPassed = true;
    for (const comparison of comparisons) {
      const { passed, line } = judge(await measureRatios(context, builds, comparison), options.threshold);
      console.log(`${comparison.variant.name}, ${comparison.exchange.title}: ${line}`);
      allPassed &&= passed;
    }
    return allPassed;
  } finally {
    await session.close();
  }
}

/** Every case with every front that can do it. @throws Error when there is none */
function comparisonsOf({ cases, front }: GateOptions): Comparison[] {
  const exchanges = EXCHANGES.filter(({ name }) => cases.includes(name));
  const all = gatewayVariants(front).flatMap((variant) => exchanges.map((exchange) => ({ variant, exchange })));
  const possible = all.filter(({ variant, exchange }) => exchange.notWith !== variant.front);
  for (const { variant, exchange } of all.filter((each) => !possible.includes(each))) {
    say(`${exchange.title}: left out, the ${variant.front} front cannot.`);
  }
  if (possible.length === 0) throw new Error('nothing is left to compare');
  return possible;
}

async function buildBoth({ session }: CaseContext, commits: Builds, record: Recorder): Promise<Builds> {
  const build = async (side: keyof Builds): Promise<string> => {
    record.progress(`building ${side}, ${commits[side].slice(0, 9)}`);
    return await buildCommit(session.processes, commits[side], join(session.folder, side));
  };
  return { HEAD: await build('HEAD'), base: await build('base') };
}

async function measureRatios(
  context: CaseContext,
  builds: Builds,
  { variant, exchange }: Comparison,
): Promise<number[]> {
  const { session, upstream } = context;
  const certificate = exchange.tls === true ? makeCertificate(session.folder) : undefined;
  if (exchange.tls === true && certificate === undefined) throw new Error('needs openssl for a certificate');
  const subjects = [];
  for (const side of SIDES) {
    const extras = { dist: builds[side], env: variant.env, certificate };
    subjects.push(subjectOf(side, await startGateway(subjectContext(session, upstream), extras)));
  }
  const { runs } = await runCase(context, exchangeCase(exchange, subjects));
  await Promise.all(subjects.map(stopSubject));
  const points = (name: string): Point[] =>
    runs
      .filter(({ subject, problems }) => subject === name && problems.length === 0)
      .map(({ round, totalUs }) => ({ round, value: totalUs }));
  return ratiosByRound(points('HEAD'), points('base'));
}
