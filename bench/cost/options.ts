import { Command } from 'commander';
import { listOf, wholeNumber } from '../shared/option-parsers.ts';
import { CASE_NAMES } from './cases.ts';
import type { CaseName } from './cases.ts';
import { SUBJECT_NAMES } from './subjects.ts';
import type { SubjectName } from './subjects.ts';

export interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly only: readonly CaseName[];
  readonly subjects: readonly SubjectName[];
  readonly json?: string;
  readonly profile?: true;
}

/** Reads the command line; prints help or what is wrong and ends the process itself (0 or 1). */
export function readOptions(argv: readonly string[]): Options {
  return new Command('bench:cost')
    .description('CPU per request of the gateway, HAProxy and nginx, alternating in one run.')
    .option('--seconds <n>', 'length of one measurement', wholeNumber, 6)
    .option('--rounds <n>', 'measurements of each subject and case', wholeNumber, 5)
    .option('--connections <n>', 'keep-alive connections', wholeNumber, 64)
    .option('--only <cases>', `cases to run, of ${CASE_NAMES.join(',')}`, listOf(CASE_NAMES), CASE_NAMES)
    .option('--subjects <names>', `subjects, of ${SUBJECT_NAMES.join(',')}`, listOf(SUBJECT_NAMES), SUBJECT_NAMES)
    .option('--json <file>', 'write every measurement to this file')
    .option('--profile', "sample the gateway's request thread afterwards and print its dearest frames")
    .addHelpText('after', '\nExit codes: 0 measured, 1 a subject failed or answered wrongly, 130 interrupted.')
    .parse(argv)
    .opts<Options>();
}
