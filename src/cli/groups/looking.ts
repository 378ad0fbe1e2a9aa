import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { EVENT_TYPES } from '../../shared/admin/operations.ts';
import type { EventType } from '../../shared/admin/operations.ts';
import { intervalMs, profileSeconds, threadSlot } from '../arguments.ts';
import { events } from '../events/events.ts';
import { PROFILE_SECONDS } from '../../shared/profile/order.ts';
import { profile } from '../profile/profile.ts';
import { nodes } from '../nodes/nodes.ts';
import { status } from '../status/status.ts';
import { addSplit } from '../split/command.ts';
import { addTargets } from '../targets/command.ts';
import { top } from '../top/top.ts';
import { asking, describeAsking } from './group.ts';
import type { AskOptions, GroupContext } from './group.ts';

/** Commands that only ask a running gateway. */
export function addLooking(program: Command, { io, finish }: GroupContext): void {
  program.commandsGroup('See a running gateway:');
  describeAsking(program, {
    usage: 'status',
    does: 'how the gateway is, and why',
    example: 'gateway status --url http://10.0.0.5:9901 --token-file /run/secrets/admin-token',
  }).action(async (options: AskOptions) => finish(await status(asking(io, options))));
  describeAsking(program, {
    usage: 'top',
    does: 'watch traffic, breakers, clients, threads and nodes: live in a terminal, else a block (--json: a line) each time',
    example: 'gateway top --interval 5s',
  })
    .option('--interval <time>', 'between two looks, such as 500ms, 2s', intervalMs, 2_000)
    .option('--once', 'print one block, counted over one interval, and end', false)
    .action(async ({ interval, once, ...options }: AskOptions & { interval: number; once: boolean }) =>
      finish(await top(asking(io, options), { intervalMs: interval, once })),
    );
  describeAsking(program, {
    usage: 'nodes',
    does: 'the nodes that share its Redis',
    example: 'gateway nodes',
  }).action(async (options: AskOptions) => finish(await nodes(asking(io, options))));
  addTargets(program, { io, finish });
  addSplit(program, { io, finish });
  describeAsking(program, {
    usage: 'events',
    does: 'what happened lately: transitions, changes of mode, restarts, reloads; with --json one JSON object a line',
    example: 'gateway events --follow --type breaker,thread',
  })
    .option('-f, --follow', 'then go on with what happens, also when the gateway is started again', false)
    .addOption(
      new Option('--type <types>', `only these, separated by commas: ${EVENT_TYPES.join(', ')}`)
        .argParser(eventTypes)
        .default([], 'all'),
    )
    .action(async ({ follow, type, ...options }: AskOptions & { follow: boolean; type: readonly EventType[] }) =>
      finish(await events(asking(io, options), { follow, types: type })),
    );
  describeAsking(program, {
    usage: 'profile',
    does: "where a thread's time goes, or its memory: a file for Chrome's DevTools; the gateway goes on meanwhile",
    example: 'gateway profile --thread 1 --seconds 5',
  })
    .addOption(
      new Option('--thread <number>', 'the request thread; gateway status has them').argParser(threadSlot).default(0),
    )
    .addOption(new Option('--front', 'the front instead').conflicts('thread').default(false))
    .option('--seconds <time>', 'how long, such as 10 or 500ms; at most 30s', profileSeconds, PROFILE_SECONDS.usual)
    .option('--heap', 'what allocates memory that is still in use, instead of processor time', false)
    .option('--out <file>', 'where to; - is stdout (default: a new file here)')
    .action(async ({ thread, front, seconds, heap, out, ...options }: AskOptions & ProfileFlags) => {
      const wish = { kind: heap ? 'heap' : 'cpu', of: front ? 'front' : thread, seconds } as const;
      finish(await profile(asking(io, options), { wish, to: out }));
    });
}

interface ProfileFlags {
  readonly thread: number;
  readonly front: boolean;
  readonly seconds: number;
  readonly heap: boolean;
  readonly out?: string;
}

function eventTypes(text: string): readonly EventType[] {
  const types = text.split(',').map((part) => part.trim());
  const isType = (name: string): name is EventType => (EVENT_TYPES as readonly string[]).includes(name);
  if (types.every(isType)) return types;
  throw new InvalidArgumentError(`Expected some of ${EVENT_TYPES.join(', ')}, with commas between.`);
}
