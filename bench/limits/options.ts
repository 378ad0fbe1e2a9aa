import { Command } from 'commander';
import { listOf, wholeNumber } from '../shared/option-parsers.ts';
import { PART_NAMES } from './cases.ts';
import type { PartName } from './cases.ts';

export interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly only: readonly PartName[];
  readonly json?: string;
}

/** Reads the command line; prints help or what is wrong and ends the process itself (0 or 1). */
export function readOptions(argv: readonly string[]): Options {
  return new Command('bench:limits')
    .description('CPU per limited request of gateway + Redis and nginx + Lua + Redis, alternating in one run.')
    .option('--seconds <n>', 'length of one measurement', wholeNumber, 6)
    .option('--rounds <n>', 'measurements of each subject and case', wholeNumber, 5)
    .option('--connections <n>', 'keep-alive connections', wholeNumber, 64)
    .option('--only <parts>', `parts to run, of ${PART_NAMES.join(',')}`, listOf(PART_NAMES), PART_NAMES)
    .option('--json <file>', 'write every measurement to this file')
    .addHelpText('after', '\nExit codes: 0 measured, 1 a subject failed or the audit did, 130 interrupted.')
    .parse(argv)
    .opts<Options>();
}
