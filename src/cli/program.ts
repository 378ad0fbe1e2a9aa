import { Command } from 'commander';
import { jsonSchema } from '../shared/config/json-schema.ts';
import { VERSION } from '../shared/version.ts';
import { check } from './check.ts';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { reload } from './reload.ts';
import type { ReloadOptions } from './reload.ts';
import { start } from './start.ts';

/** Takes a command's exit code; `undefined` = the process sets it itself later. */
export type Finish = (code: number | undefined) => void;

const CONFIGURATION_HELP = `
The configuration is read from environment variables (PORT, UPSTREAM_URL ...) and from the YAML file
that GATEWAY_CONFIG names; "gateway check" shows it.`;

/** The command line: parsing and help only. Each command hands its exit code to `finish`. */
export function createProgram(io: CliIo, finish: Finish): Command {
  const program = new Command('gateway')
    .description('A fast, strict API gateway.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) });

  program
    .command('start')
    .description('run the gateway in the foreground')
    .action(async () => finish(await start(io)));
  program
    .command('check')
    .description('check the configuration and print it resolved, secrets masked')
    .option('--json', 'print JSON instead of YAML', false)
    .action((options: { json: boolean }) => finish(check(io, options)));
  program
    .command('schema')
    .description('print the JSON Schema of the YAML configuration')
    .action(() => {
      io.out(JSON.stringify(jsonSchema(), undefined, 2));
      finish(EXIT.ok);
    });
  program
    .command('reload')
    .description('ask the running gateway to read its configuration again')
    .option('--url <origin>', 'the admin port, such as http://127.0.0.1:9901 (default: from ADMIN_HOST and ADMIN_PORT)')
    .option('--token-file <path>', 'file with the admin token (default: from ADMIN_TOKEN)')
    .action(async (options: ReloadOptions) => finish(await reload(io, options)));

  for (const command of [program, ...program.commands]) {
    command.version(VERSION).addHelpText('after', `${CONFIGURATION_HELP}\n${EXIT_CODES_HELP}`);
  }
  return program;
}
