import { CommanderError } from 'commander';
import { debuglog } from 'node:util';
import { CommandFailure, reasonOf } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';
import { guarded, processIo } from './io.ts';
import type { CliIo } from './io.ts';
import { createProgram } from './program.ts';

/** Prints where a fault is, for whoever asks with NODE_DEBUG=gateway. */
const debug = debuglog('gateway');

/**
 * The `gateway` command.
 * @param args what follows the command's name
 * @returns the exit code; `undefined` when the gateway runs on in this process and sets its own
 */
export async function runCommand(args: readonly string[], given: CliIo = processIo()): Promise<number | undefined> {
  const io = guarded(given);
  let code: number | undefined = EXIT.ok;
  const program = createProgram(io, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Thrown after --help and --version too, with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof CommandFailure) {
      io.err(error.message);
      return error.exitCode;
    }
    debug('%o', error);
    io.err(`gateway: internal error: ${reasonOf(error)} (NODE_DEBUG=gateway shows where)`);
    return EXIT.internal;
  }
}
