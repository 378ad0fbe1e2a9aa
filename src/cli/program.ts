import { Command, Help } from 'commander';
import { VERSION } from '../shared/version.ts';
import { EXIT_CODES_HELP } from './exit-codes.ts';
import { addAround } from './groups/around.ts';
import { addBackups } from './backup/command.ts';
import { addConfig } from './config/command.ts';
import { addBreakers } from './breaker/command.ts';
import type { Finish } from './groups/group.ts';
import { addKeys } from './key/command.ts';
import { addLimits } from './limit/command.ts';
import { addMaintenance } from './maintenance/command.ts';
import { addLooking } from './groups/looking.ts';
import { addRunning } from './groups/running.ts';
import { addSteering } from './groups/steering.ts';
import type { CliIo } from './io.ts';

const CONFIGURATION_HELP = `
The configuration is read from environment variables (PORT, UPSTREAM_URL ...) and from the YAML file
that GATEWAY_CONFIG names; "gateway check" shows it.`;

/** The command line: parsing and help only. Each command hands its exit code to `finish`. */
export function createProgram(io: CliIo, finish: Finish): Command {
  const program = new Command('gateway')
    .description('A fast, strict API gateway.')
    .exitOverride()
    .configureHelp({
      // That a flag is off unless it is given goes without saying.
      optionDescription: (option) =>
        option.defaultValue === false ? option.description : Help.prototype.optionDescription.call(option, option),
    })
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) });
  const context = { io, finish };
  addRunning(program, context);
  addLooking(program, context);
  addConfig(program, context);
  addSteering(program, context);
  addBreakers(program, context);
  addLimits(program, context);
  addMaintenance(program, context);
  addKeys(program, context);
  addBackups(program, context);
  addAround(program, context);
  finishHelp(program);
  return program;
}

function finishHelp(command: Command): void {
  command.version(VERSION).addHelpText('after', `${CONFIGURATION_HELP}\n${EXIT_CODES_HELP}`);
  for (const each of command.commands) finishHelp(each);
}
