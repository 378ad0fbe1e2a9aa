import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { overrideSeconds } from '../arguments.ts';
import type { ForOption } from '../breaker/command.ts';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, GroupContext } from '../groups/group.ts';
import { changeSplit, listSplits } from './split.ts';

type Weights = Readonly<Record<string, number | null>>;

/** `v2=20`, after those before it. */
function weightOf(text: string, before: Weights | undefined): Weights {
  const [, upstream = '', weight] = /^([^=]+)=(\d{1,3}|auto)$/.exec(text) ?? [];
  if (weight === undefined) throw new InvalidArgumentError('expected <upstream>=<weight>, such as v2=20 or v2=auto');
  return { ...before, [upstream]: weight === 'auto' ? null : Number(weight) };
}

/** `gateway split`: how the clients of routes are divided among upstreams. */
export function addSplit(program: Command, { io, finish }: GroupContext): void {
  describeAsking(program, {
    usage: 'split [route]',
    does:
      'how the clients of routes are divided among upstreams; with weights, move them on every node, until --for is over ' +
      'or <upstream>=auto takes them back',
    example: 'gateway split /orders v2=20',
  })
    .argument('[weights...]', 'new weights, such as v1=80 v2=20', weightOf)
    .addOption(
      new Option('--for <time>', 'how long, such as 10m, 2h (default and most: 24h)').argParser(overrideSeconds),
    )
    .action(
      async (
        route: string | undefined,
        weights: Weights | undefined,
        { for: seconds, ...options }: AskOptions & ForOption,
      ) => {
        const context = asking(io, options);
        const isChange = route !== undefined && weights !== undefined && Object.keys(weights).length > 0;
        if (!isChange) return finish(await listSplits(context));
        finish(await changeSplit(context, { route, weights, ...(seconds === undefined ? {} : { for: seconds }) }));
      },
    );
}
