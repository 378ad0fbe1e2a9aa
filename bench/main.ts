/**
 * `npm run bench`: suites that measure the gateway against the best of its kind, and what is done with their results.
 * Needs Linux (/proc). What it starts it ends, whatever happens.
 */
import { Command, CommanderError } from 'commander';
import leven from 'leven';
import {
  caseNames,
  factor,
  frontNames,
  loadTool,
  seconds,
  suiteOptions,
  wholeNumber,
  withRunOptions,
} from './cli/options.ts';
import type { RunOptions } from './cli/options.ts';
import { runSuites } from './cli/run-suites.ts';
import { compare, report } from './cli/stored.ts';
import { DEFAULT_CASES, runGate } from './gate/gate.ts';
import type { GateOptions } from './gate/gate.ts';
import { table } from './shared/table.ts';
import type { Suite } from './shared/suite.ts';
import { SUITES } from './suites/registry.ts';

const USAGE_ERROR = 64;
const CODES = `
Exit codes: 0 measured (a missed target is told, and no error), 1 a suite, a check or the gate failed, ${USAGE_ERROR} wrong
arguments, 130 interrupted.`;

/** @throws CommanderError for a name that is no suite's */
function suitesNamed(names: readonly string[]): Suite[] {
  if (names.includes('all')) return [...SUITES];
  return names.map((name) => {
    const suite = SUITES.find((each) => each.name === name);
    if (suite !== undefined) return suite;
    const near = SUITES.toSorted((a, b) => leven(a.name, name) - leven(b.name, name))[0]?.name ?? '';
    throw new CommanderError(USAGE_ERROR, 'bench.suite', `error: no suite "${name}". Did you mean ${near}?`);
  });
}

function listing(): string {
  const rows = SUITES.map(({ name, question, takes }) => [name, takes, question]);
  return `npm run bench -- SUITE [SUITE ...] [options]; "all" runs every one. Options: npm run bench -- --help\n
${table(rows, 'left')}`;
}

/** Runs the command line; its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  let code = 0;
  const program = new Command('bench')
    .description('Measures the gateway: every suite starts what it needs on free ports and ends it again.')
    .argument('[suites...]', `of ${SUITES.map(({ name }) => name).join(', ')}, or all; none = list them`)
    .addHelpText('after', CODES)
    .enablePositionalOptions()
    .exitOverride()
    .action(async (names: string[], options: RunOptions) => {
      if (names.length === 0) console.log(listing());
      else {
        const plan = { suites: suitesNamed(names), options: suiteOptions(options), out: options.out };
        code = (await runSuites(plan)) ? 0 : 1;
      }
    });
  withRunOptions(program);
  program
    .command('compare <before> <after>')
    .description('what changed between two results beyond the noise')
    .action(compare);
  program
    .command('report <paths...>')
    .description('writes Markdown and HTML of stored results (files, or folders of them) anew')
    .option('--out <folder>', 'where to (default: beside the first of them)')
    .action((paths: string[], { out }: { out?: string }) => report(paths, out));
  program
    .command('gate [base]')
    .description('fails when HEAD needs more CPU per request than the base commit (default: HEAD~1)')
    .option('--threshold <factor>', 'the most HEAD / base may be', factor, 1.05)
    .option('--rounds <n>', 'load runs of each', wholeNumber, 7)
    .option('--duration <seconds>', 'length of one load run', seconds, 4)
    .option('--load <tool>', 'autocannon or wrk', loadTool, 'autocannon')
    .option('--cases <names>', 'cases of cost, such as get,post,64k', caseNames, DEFAULT_CASES)
    .option('--front <names>', 'native, uws or native,uws (default: what each commit has)', frontNames)
    .action(
      async (
        base: string | undefined,
        options: Omit<GateOptions, 'base' | 'front'> & Partial<Pick<GateOptions, 'front'>>,
      ) => {
        code = (await runGate({ base: base ?? 'HEAD~1', front: undefined, ...options })) ? 0 : 1;
      },
    );
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }
    if (error.code === 'bench.suite') console.error(error.message);
    return error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
  return code;
}
