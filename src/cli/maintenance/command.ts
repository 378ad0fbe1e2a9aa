import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { maintenanceText, network } from '../../shared/maintenance/maintenance.ts';
import { maintenanceSeconds } from '../arguments.ts';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, GroupContext } from '../groups/group.ts';
import { changeMaintenance, listMaintenance } from './maintenance.ts';

function text(said: string): string {
  const { success, error } = maintenanceText.safeParse(said);
  if (success) return said;
  throw new InvalidArgumentError(`Expected ${error.issues[0]?.message ?? 'a text'}.`);
}

/** May be given several times, each with commas between. */
function networks(said: string, before: readonly string[] = []): readonly string[] {
  const all = said.split(',').map((each) => each.trim());
  if (all.every((each) => network.safeParse(each).success)) return [...before, ...all];
  throw new InvalidArgumentError('Expected addresses or CIDR blocks such as 10.0.0.0/8 or ::1, with commas between.');
}

interface OnOptions extends AskOptions {
  readonly for?: number;
  readonly text?: string;
  readonly allow?: readonly string[];
}

/** `gateway maintenance …` */
export function addMaintenance(program: Command, { io, finish }: GroupContext): void {
  const maintenance = program
    .command('maintenance')
    .description('refuse all clients of a route, or of all, for a time');
  describeAsking(maintenance, {
    usage: 'list',
    does: 'what is under maintenance, how long, and by whom',
    example: 'gateway maintenance list',
    isDefault: true,
  }).action(async (options: AskOptions) => finish(await listMaintenance(asking(io, options))));
  describeAsking(maintenance, {
    usage: 'on [route]',
    does: 'answer 503 on every node, for one route or all, until the time is over; /health, /ready and the admin port go on',
    example: 'gateway maintenance on orders --for 30m --text "Back at 14:00" --allow 10.0.0.0/8',
  })
    .option('--for <time>', 'how long, such as 30m, 2h, at most 7d (default: 30m)', maintenanceSeconds)
    .option('--text <text>', 'what clients are told, in one line', text)
    .option('--allow <networks>', 'addresses and CIDR blocks that pass, with commas between', networks)
    .action(async (route: string | undefined, { for: seconds, text, allow, ...options }: OnOptions) =>
      finish(
        await changeMaintenance(asking(io, options), {
          state: 'ON',
          ...(route === undefined ? {} : { route }),
          ...(seconds === undefined ? {} : { for: seconds }),
          ...(text === undefined ? {} : { text }),
          ...(allow === undefined ? {} : { allow: [...allow] }),
        }),
      ),
    );
  describeAsking(maintenance, {
    usage: 'off [route]',
    does: 'end it, for one route or all there is',
    example: 'gateway maintenance off',
  }).action(async (route: string | undefined, options: AskOptions) =>
    finish(await changeMaintenance(asking(io, options), { state: 'OFF', ...(route === undefined ? {} : { route }) })),
  );
}
