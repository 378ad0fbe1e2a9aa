import type { Command } from 'commander';
import { forOption } from '../breaker/command.ts';
import type { ForOption } from '../breaker/command.ts';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, GroupContext } from '../groups/group.ts';
import { changeTarget, listTargets } from './targets.ts';

/** `gateway targets …`: the servers behind each upstream. */
export function addTargets(program: Command, { io, finish }: GroupContext): void {
  const targets = program.command('targets').description('the servers behind each upstream: see them, drain one');
  describeAsking(targets, {
    usage: 'list',
    does: 'what health probes and requests find of them, and whether they are used',
    example: 'gateway targets list',
    isDefault: true,
  }).action(async (options: AskOptions) => finish(await listTargets(asking(io, options))));
  describeAsking(targets, {
    usage: 'drain <upstream> <target>',
    does: 'no new requests to a target for a time, on every node; what is under way goes on',
    example: 'gateway targets drain orders http://10.0.0.1:8080 --for 10m',
  })
    .addOption(forOption())
    .action(async (upstream: string, target: string, { for: seconds, ...options }: AskOptions & ForOption) =>
      finish(
        await changeTarget(asking(io, options), {
          upstream,
          change: { target, state: 'DRAINED', ...(seconds === undefined ? {} : { for: seconds }) },
        }),
      ),
    );
  describeAsking(targets, {
    usage: 'up <upstream> <target>',
    does: 'take back what was said by hand: it gets requests again',
    example: 'gateway targets up orders http://10.0.0.1:8080',
  }).action(async (upstream: string, target: string, options: AskOptions) =>
    finish(await changeTarget(asking(io, options), { upstream, change: { target, state: 'AUTO' } })),
  );
}
