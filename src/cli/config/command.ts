import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, GroupContext } from '../groups/group.ts';
import { config } from './config.ts';
import { configHistory } from './history.ts';
import { configDiff, configPush, configRollback } from './push.ts';

function versionNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected the number of a version, as "gateway config history" shows it.');
}

interface PushOptions extends AskOptions {
  readonly comment?: string;
  readonly on?: number;
}

const PATHS = 'files, and folders for their *.yaml (default: those of GATEWAY_CONFIG)';

/** `gateway config …` */
export function addConfig(program: Command, { io, finish }: GroupContext): void {
  const group = program.command('config').description('the configuration in use, and its versions');
  describeAsking(group, {
    usage: 'show',
    does: 'the configuration that the running gateway uses, secrets masked',
    example: 'gateway config show --json',
    isDefault: true,
  }).action(async (options: AskOptions) => finish(await config(asking(io, options))));
  describeAsking(group, {
    usage: 'diff [paths...]',
    does: 'what these files would change in the running gateway; ends with 1 when they would, with 78 when they are not valid',
    example: 'gateway config diff /etc/gateway',
  })
    .addHelpText('after', `\nPaths: ${PATHS}`)
    .action(async (paths: readonly string[], options: AskOptions) =>
      finish(await configDiff(asking(io, options), paths)),
    );
  describeAsking(group, {
    usage: 'push [paths...]',
    does: 'make these files the configuration (CONFIG_STORE=redis: of all nodes, or of none), as a new version',
    example: 'gateway config push gateway.yaml --comment "orders moves to the new hall"',
  })
    .addHelpText('after', `\nPaths: ${PATHS}`)
    .option('--comment <text>', 'why, in one line')
    .option('--on <version>', 'only where this version is in use (default: the one that is found)', versionNumber)
    .action(async (paths: readonly string[], { comment, on, ...options }: PushOptions) =>
      finish(await configPush(asking(io, options), paths, { comment, on })),
    );
  describeAsking(group, {
    usage: 'history',
    does: 'the last versions: when, by whom, what changed, and which node has which',
    example: 'gateway config history',
  }).action(async (options: AskOptions) => finish(await configHistory(asking(io, options))));
  describeAsking(group, {
    usage: 'rollback [version]',
    does: 'push an earlier version once more, by default the one before',
    example: 'gateway config rollback',
  })
    .option('--comment <text>', 'why, in one line')
    .action(async (version: string | undefined, { comment, ...options }: PushOptions) =>
      finish(
        await configRollback(asking(io, options), {
          ...(version === undefined ? {} : { version: versionNumber(version) }),
          ...(comment === undefined ? {} : { comment }),
        }),
      ),
    );
}
