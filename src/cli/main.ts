import { endOnStopSignals } from '../shared/early-stop.ts';
import { startedDirectly } from '../shared/started-directly.ts';
import type { CliIo } from './io.ts';

/* What is loaded first, and so small: all else comes after somebody listens to the signals. */

/**
 * The `gateway` command.
 * @param args what follows the command's name
 * @returns the exit code; `undefined` when the gateway runs on in this process and sets its own
 */
export async function main(args: readonly string[], given?: CliIo): Promise<number | undefined> {
  const { runCommand } = await import('./run-command.ts');
  return runCommand(args, given);
}

// Started as it lies in dist, without bin/gateway.mjs and the setup of a clone that comes with it.
if (startedDirectly(import.meta.url)) {
  const args = process.argv.slice(2);
  if (args[0] === 'start') endOnStopSignals();
  const code = await main(args);
  if (code !== undefined) process.exitCode = code;
}
