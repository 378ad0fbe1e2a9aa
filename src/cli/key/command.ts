import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { wallClockMs } from '../../shared/clock.ts';
import { keepSeconds } from '../arguments.ts';
import { asking, describeAsking } from '../groups/group.ts';
import type { AskOptions, GroupContext } from '../groups/group.ts';
import { createKey, listKeys, revokeKey, rotateKey } from './key.ts';

/** `2027-01-01` or a whole time, in UTC where nothing is said. */
function utcTime(text: string): string {
  const ms = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a date such as 2027-01-31 or 2027-01-31T12:00:00Z.');
  if (ms <= wallClockMs()) throw new InvalidArgumentError('Expected a time to come.');
  return new Date(ms).toISOString();
}

const listed = (text: string): readonly string[] => text.split(',').map((each) => each.trim());

interface CreateOptions extends AskOptions {
  readonly profile?: string;
  readonly groups?: readonly string[];
  readonly expires?: string;
}

/** `gateway key …`: API keys that are stored. */
export function addKeys(program: Command, { io, finish }: GroupContext): void {
  const key = program.command('key').description('API keys of consumers (API_KEYS=redis or both)');
  describeAsking(key, {
    usage: 'create <consumer>',
    does: 'make a key, which is shown this once; only its hash is stored',
    example: 'gateway key create acme --profile partner --expires 2027-12-31',
  })
    .option('--profile <name>', "its limits (default: its consumer's)")
    .option('--groups <names>', 'with commas between them', listed)
    .option('--expires <time>', 'when it ends, in UTC (default: never)', utcTime)
    .action(async (consumer: string, { profile, groups, expires, ...options }: CreateOptions) =>
      finish(
        await createKey(asking(io, options), {
          consumer,
          ...(profile === undefined ? {} : { profile }),
          ...(groups === undefined ? {} : { groups: [...groups] }),
          ...(expires === undefined ? {} : { expiresAt: expires }),
        }),
      ),
    );
  describeAsking(key, {
    usage: 'list',
    does: 'the keys there are, without what is secret of them',
    example: 'gateway key list --consumer acme',
  })
    .option('--consumer <name>', 'only those of this consumer')
    .option('--all', 'also those that are expired or revoked', false)
    .action(async ({ consumer, all, ...options }: AskOptions & { consumer?: string; all: boolean }) =>
      finish(await listKeys(asking(io, options), { all, ...(consumer === undefined ? {} : { consumer }) })),
    );
  describeAsking(key, {
    usage: 'rotate <id>',
    does: 'make a key like this one, which goes on for a time',
    example: 'gateway key rotate 9f86d081884c7d65 --keep 24h',
  })
    .option('--keep <time>', 'how long the old key goes on, 0 to 7d (default: 24h)', keepSeconds)
    .action(async (id: string, { keep, ...options }: AskOptions & { keep?: number }) =>
      finish(await rotateKey(asking(io, options), id, keep)),
    );
  describeAsking(key, {
    usage: 'revoke <id>',
    does: 'refuse a key from now on, on every node',
    example: 'gateway key revoke 9f86d081884c7d65',
  }).action(async (id: string, options: AskOptions) => finish(await revokeKey(asking(io, options), id)));
}
