import type { Command } from 'commander';
import { AdminClient } from '../admin/client.ts';
import { findAdmin } from '../admin/find-admin.ts';
import { timeoutMs } from '../arguments.ts';
import type { AdminOptions } from '../admin/find-admin.ts';
import type { AskContext } from '../show.ts';
import type { CliIo } from '../io.ts';

/** Takes a command's exit code; `undefined` = the process sets it itself later. */
export type Finish = (code: number | undefined) => void;

/** What a group of commands is made with. */
export interface GroupContext {
  readonly io: CliIo;
  readonly finish: Finish;
}

/** Options that every command has which asks a gateway. */
export interface AskOptions extends AdminOptions {
  readonly json: boolean;
}

/** A subcommand: its name with arguments, what it does, and a line that shows it in use. */
export interface Described {
  readonly usage: string;
  readonly does: string;
  readonly example: string;
  /** What its parent does where nothing is said. */
  readonly isDefault?: boolean;
}

export function describe(parent: Command, { usage, does, example, isDefault = false }: Described): Command {
  return parent.command(usage, { isDefault }).description(does).addHelpText('after', `\nExample:\n  ${example}`);
}

/** The same for a command that prints something. */
export const describePrinting = (parent: Command, described: Described): Command =>
  describe(parent, described).option('--json', 'print JSON, which stays the same between versions', false);

export const addAdminOptions = (command: Command): Command =>
  command
    .option('--url <origin>', 'the admin port, such as http://127.0.0.1:9901 (default: from ADMIN_HOST and ADMIN_PORT)')
    .option(
      '--token-file <path>',
      'file with the admin token (default: from ADMIN_TOKEN or ADMIN_TOKEN_FILE, else what the gateway made in STATE_DIR)',
    )
    .option('--timeout <time>', 'to wait for each answer, such as 500ms, 10s (default: 2s)', timeoutMs);

/** The same for one that asks a gateway. */
export const describeAsking = (parent: Command, described: Described): Command =>
  addAdminOptions(describePrinting(parent, described));

/** @throws {CommandFailure} when it cannot be known whom to ask */
export const asking = (io: CliIo, options: AskOptions): AskContext => ({
  io,
  json: options.json,
  client: new AdminClient(findAdmin(io, options)),
});
