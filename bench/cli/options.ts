import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { FrontKind } from '../../src/shared/config/types.ts';
import { COST_PARTS } from '../suites/cost/parts.ts';
import { IDENTITY_PARTS } from '../suites/identity/parts.ts';
import { WEBSOCKET_PARTS } from '../suites/websocket/parts.ts';
import { EXCHANGES } from '../shared/exchanges.ts';
import { parseFronts } from '../shared/fronts.ts';
import { NO_OPTIONS } from '../shared/suite.ts';
import type { SuiteOptions } from '../shared/suite.ts';

/** What the run command takes; names as in the result's `options`. */
export interface RunOptions extends Omit<SuiteOptions, 'seconds' | 'profile' | 'miniature'> {
  readonly duration: number | undefined;
  readonly out: string | undefined;
  readonly profile?: true;
  readonly miniature?: true;
}

/** A whole number from 1 to 999,999. @throws InvalidArgumentError */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 to 999999.');
  return Number(text);
}

/** Seconds, 0.1 to 999,999. @throws InvalidArgumentError */
export function seconds(text: string): number {
  const value = /^\d{1,6}(\.\d)?$/.test(text) ? Number(text) : 0;
  if (value === 0) throw new InvalidArgumentError('Expected seconds, such as 6 or 0.5.');
  return value;
}

/** @throws InvalidArgumentError */
export function httpUrl(text: string): string {
  if (!URL.canParse(text) || new URL(text).protocol !== 'http:') {
    throw new InvalidArgumentError('Expected an http:// URL, such as http://127.0.0.1:8081/path.');
  }
  return text;
}

/** @throws InvalidArgumentError */
export function factor(text: string): number {
  const value = /^[1-9](\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (value === 0) throw new InvalidArgumentError('Expected a factor from 1 to 9.999, such as 1.05.');
  return value;
}

/** @throws InvalidArgumentError */
export function loadTool(text: string): 'autocannon' | 'wrk' {
  if (text !== 'autocannon' && text !== 'wrk') throw new InvalidArgumentError('Expected autocannon or wrk.');
  return text;
}

/** @throws InvalidArgumentError */
export function frontNames(text: string): readonly FrontKind[] {
  const fronts = parseFronts(text);
  if (fronts === undefined) throw new InvalidArgumentError('Expected native, uws, or both with a comma between them.');
  return fronts;
}

const COST_CASES: readonly string[] = [...EXCHANGES.map(({ name }) => name), ...COST_PARTS];

/** @throws InvalidArgumentError */
export function caseNames(text: string): readonly string[] {
  const known: readonly string[] = [...COST_CASES, ...IDENTITY_PARTS, ...WEBSOCKET_PARTS];
  const names = text.split(',');
  if (names.every((name) => known.includes(name))) return names;
  throw new InvalidArgumentError(`Expected some of ${known.join(', ')}, with commas between them.`);
}

export function withRunOptions(command: Command): Command {
  return command
    .option('--connections <n>', 'client connections of the load', wholeNumber)
    .option('--duration <seconds>', 'length of one load run; of the whole in soak', seconds)
    .option('--rounds <n>', 'load runs of each subject and case', wholeNumber)
    .option('--workers <n>', 'request threads of the gateway', wholeNumber)
    .option('--nodes <n>', 'gateways on one Redis', wholeNumber)
    .option('--rate <n>', 'requests per second of an open loop', wholeNumber)
    .option('--target <url>', 'an upstream of your own (baseline)', httpUrl)
    .option('--load <tool>', 'autocannon (default) or wrk, which needs less CPU', loadTool)
    .option(
      '--front <names>',
      'cost and connections: native, uws or native,uws (default: what the gateway has)',
      frontNames,
    )
    .option(
      '--cases <names>',
      `cost: some of ${COST_CASES.join(', ')}; identity: of ${IDENTITY_PARTS.join(', ')}; ` +
        `websocket: of ${WEBSOCKET_PARTS.join(', ')}`,
      caseNames,
    )
    .option('--out <folder>', 'where results go (default: bench/out/<suite>-<time>)')
    .option('--profile', "cost only: also sample the gateway's threads and print their dearest frames")
    .option('--miniature', 'as short as it can be: to see that it runs, not for figures');
}

/** Separates what a suite may know from what is the command's own. */
export function suiteOptions(given: RunOptions): SuiteOptions {
  const { duration, out: _, profile, miniature, ...rest } = given;
  return { ...NO_OPTIONS, ...rest, seconds: duration, profile: profile === true, miniature: miniature === true };
}
