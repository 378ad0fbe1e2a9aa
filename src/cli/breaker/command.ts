import { Option } from 'commander';
import type { Command } from 'commander';
import { OVERRIDE_SECONDS } from '../../shared/admin/breakers.ts';
import type { BreakerOverride } from '../../shared/admin/breakers.ts';
import { overrideSeconds } from '../arguments.ts';
import { changeBreaker, getBreaker, listBreakers } from './breaker.ts';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, GroupContext } from '../groups/group.ts';

/** `--for` of whatever an operator says for a time. */
export const forOption = (): Option =>
  new Option('--for <time>', `how long, such as 30s, 5m, 1h (default: ${OVERRIDE_SECONDS.default / 60}m)`).argParser(
    overrideSeconds,
  );

export interface ForOption {
  readonly for?: number | undefined;
}

/** `gateway breaker …`: the circuit breakers of the upstreams. */
export function addBreakers(program: Command, { io, finish }: GroupContext): void {
  const breaker = program.command('breaker').description('see and steer the circuit breakers of the upstreams');
  describeAsking(breaker, {
    usage: 'list',
    does: 'every breaker',
    example: 'gateway breaker list',
  }).action(async (options: AskOptions) => finish(await listBreakers(asking(io, options))));
  describeAsking(breaker, {
    usage: 'get <upstream>',
    does: 'one breaker',
    example: 'gateway breaker get default',
  }).action(async (upstream: string, options: AskOptions) => finish(await getBreaker(asking(io, options), upstream)));

  const change = (command: Command, state: BreakerOverride['state']): void =>
    void command.action(async (upstream: string, { for: seconds, ...options }: AskOptions & ForOption) => {
      const body = { state, ...(seconds === undefined ? {} : { for: seconds }) };
      finish(await changeBreaker(asking(io, options), { upstream, change: body }));
    });
  const open = describeAsking(breaker, {
    usage: 'open <upstream>',
    does: 'refuse all requests to an upstream for a time, on every node',
    example: 'gateway breaker open default --for 10m',
  });
  const close = describeAsking(breaker, {
    usage: 'close <upstream>',
    does: 'let all requests to an upstream through for a time, whatever it answers, on every node',
    example: 'gateway breaker close default --for 5m',
  });
  const auto = describeAsking(breaker, {
    usage: 'auto <upstream>',
    does: 'let the breaker decide again',
    example: 'gateway breaker auto default',
  });
  change(open.addOption(forOption()), 'OPEN');
  change(close.addOption(forOption()), 'CLOSED');
  change(auto, 'AUTO');
}
