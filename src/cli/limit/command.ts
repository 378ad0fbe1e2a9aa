import { Argument, InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { ClientLimitsChange } from '../../shared/admin/limits.ts';
import { tokens } from '../arguments.ts';
import { changeLimits, getLimits, listOverrides, resetLimits, topRefused } from './limit.ts';
import { why } from '../why/why.ts';
import type { WhyOptions } from '../why/why.ts';
import { forOption } from '../breaker/command.ts';
import type { ForOption } from '../breaker/command.ts';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, Described, GroupContext } from '../groups/group.ts';

const client = (): Argument =>
  new Argument('<client>', 'an address, a consumer, or the name its buckets have (RATE_LIMIT_KEY)').argParser(
    (text: string) => {
      if (text === '') throw new InvalidArgumentError('Expected a name that is not empty.');
      return text;
    },
  );

/** `gateway why CLIENT` and `gateway limit …`: rate limits of single clients. */
export function addLimits(program: Command, { io, finish }: GroupContext): void {
  const about = (parent: Command, described: Described): Command =>
    describeAsking(parent, described).addArgument(client());
  about(program, {
    usage: 'why',
    does: 'would a request of this client or consumer pass now; if not, what refuses it, what to do, and when the next one passes',
    example: 'gateway why acme --address 203.0.113.7 --route orders',
  })
    .option(
      '--address <address>',
      'where it comes from, for lists of addresses (default: the client, where that is one)',
    )
    .option('--route <name>', 'only on this route (default: all)')
    .action(async (name: string, { address, route, ...options }: AskOptions & WhyOptions) =>
      finish(await why(asking(io, options), name, { address, route })),
    );

  const limit = program.command('limit').description('see and change the rate limits of single clients');
  describeAsking(limit, {
    usage: 'top',
    does: 'the most refused clients of the cluster',
    example: 'gateway limit top',
  }).action(async (options: AskOptions) => finish(await topRefused(asking(io, options))));
  describeAsking(limit, {
    usage: 'list',
    does: 'the clients that are banned or exempt now, how long, and by whom',
    example: 'gateway limit list',
  }).action(async (options: AskOptions) => finish(await listOverrides(asking(io, options))));
  about(limit, {
    usage: 'get',
    does: 'the buckets of a client, and what is said of it by hand',
    example: 'gateway limit get 203.0.113.7',
  }).action(async (name: string, options: AskOptions) => finish(await getLimits(asking(io, options), name)));
  about(limit, {
    usage: 'reset',
    does: 'delete its buckets: it has all its tokens again',
    example: 'gateway limit reset 203.0.113.7',
  }).action(async (name: string, options: AskOptions) => finish(await resetLimits(asking(io, options), name)));

  const change = async (options: AskOptions, name: string, body: ClientLimitsChange): Promise<void> =>
    finish(await changeLimits(asking(io, options), { client: name, change: body }));
  about(limit, {
    usage: 'set',
    does: 'set the tokens it has, never above the capacity of the rule',
    example: 'gateway limit set 203.0.113.7 --tokens 0',
  })
    .requiredOption('--tokens <number>', 'the new level', tokens)
    .option('--rule <name>', 'only the bucket of this rule (default: all of the client)')
    .action(async (name: string, { tokens, rule, ...options }: AskOptions & { tokens: number; rule?: string }) =>
      change(options, name, { tokens, ...(rule === undefined ? {} : { rule }) }),
    );
  const say = (described: Described, state: 'BANNED' | 'EXEMPT'): void =>
    void about(limit, described)
      .addOption(forOption())
      .action(async (name: string, { for: seconds, ...options }: AskOptions & ForOption) =>
        change(options, name, { state, ...(seconds === undefined ? {} : { for: seconds }) }),
      );
  const everywhere = 'for a time, on every node';
  say(
    { usage: 'ban', does: `refuse a client ${everywhere}`, example: 'gateway limit ban 203.0.113.7 --for 1h' },
    'BANNED',
  );
  say(
    { usage: 'exempt', does: `do not limit a client ${everywhere}`, example: 'gateway limit exempt 203.0.113.7' },
    'EXEMPT',
  );
  about(limit, {
    usage: 'auto',
    does: 'take back what was said by hand: its limits hold again',
    example: 'gateway limit auto 203.0.113.7',
  }).action(async (name: string, options: AskOptions) => change(options, name, { state: 'AUTO' }));
}
