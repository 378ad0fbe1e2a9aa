import { Argument, InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { ageMs } from '../arguments.ts';
import { describeAsking, describePrinting } from '../groups/group.ts';
import type { Described, GroupContext } from '../groups/group.ts';
import type { RestoreOptions } from '../restore/options.ts';
import type { DownloadOptions } from './download.ts';
import type { ListOptions } from './list.ts';
import type { NowOptions } from './now.ts';
import type { PruneOptions } from './prune.ts';
import type { VerifyOptions } from './verify.ts';

const id = (): Argument =>
  new Argument('<id>', 'of a backup, as "gateway backup list" shows it, or "latest": the newest verified one');

/** The same for one that opens what is encrypted. */
const identified = (parent: Command, described: Described): Command =>
  describePrinting(parent, described)
    .addArgument(id())
    .option('--identity <file>', 'with the secret key of age (default: BACKUP_ENCRYPTION_IDENTITY, or its _FILE)');

/** `gateway backup …` and `gateway restore`. Each is loaded when it is called. */
export function addBackups(program: Command, { io, finish }: GroupContext): void {
  program.commandsGroup('Backups (in what BACKUP_DIR or BACKUP_S3_URL names):');
  const backup = program.command('backup').description('see and check backups of Redis');
  describeAsking(backup, {
    usage: 'now',
    does:
      'make a backup at once, by the job of a running gateway, or here where none answers; ends with 1 when it is stored ' +
      'but could not be verified',
    example: 'gateway backup now',
  })
    .option('--full', 'Redis and BACKUP_FILES', false)
    .option('--to <file>', 'only a snapshot of Redis, as redis-server loads it, into a new file in the clear')
    .option('--here', 'in this process, also where a gateway answers', false)
    .action(async (options: NowOptions) => {
      const { backupNow } = await import('./now.ts');
      finish(await backupNow(io, options));
    });
  describePrinting(backup, {
    usage: 'list',
    does: 'the backups there are, the newest first',
    example: 'gateway backup list --max-age 26h',
  })
    .option('--max-age <time>', 'end with 1 when the newest verified one is older, such as 26h', ageMs)
    .action(async (options: ListOptions) => {
      const { listBackups } = await import('./list.ts');
      finish(await listBackups(io, options));
    });
  identified(backup, {
    usage: 'verify',
    does: 'read a backup back, compare every byte, and restore it on trial into a server that nobody sees',
    example: 'gateway backup verify latest',
  }).action(async (id: string, options: VerifyOptions) => {
    const { verifyStored } = await import('./verify.ts');
    finish(await verifyStored(io, { ...options, id }));
  });
  identified(backup, {
    usage: 'download',
    does: 'bring a backup here, compared with its manifest',
    example: 'gateway backup download redis-20261126T020000Z --to /tmp --clear',
  })
    .option('--to <folder>', 'where to', '.')
    .option('--clear', 'decrypted and uncompressed: an .rdb that redis-server loads, a .tar', false)
    .action(async (id: string, options: DownloadOptions) => {
      const { downloadBackup } = await import('./download.ts');
      finish(await downloadBackup(io, { ...options, id }));
    });
  describePrinting(backup, {
    usage: 'prune',
    does: 'remove what BACKUP_KEEP_DAILY, _WEEKLY and _DAYS no longer keep; never the newest verified one',
    example: 'gateway backup prune --dry-run',
  })
    .option('--dry-run', 'only say what would go', false)
    .action(async (options: PruneOptions) => {
      const { pruneBackups } = await import('./prune.ts');
      finish(await pruneBackups(io, options));
    });
  identified(program, {
    usage: 'restore',
    does:
      'check a backup whole, then put it back: bans, exemptions, breakers and holds into a running Redis (the one of REDIS_*, ' +
      'or --target), or all of it into the data directory of one that is stopped (--dir)',
    example: 'gateway restore latest --dry-run',
  })
    .option('--target <url>', 'a running Redis, such as redis://10.0.0.7:6379; gateways may use it')
    .option('--dir <folder>', 'the data directory of a Redis that is stopped; what is there is kept beside')
    .option('--source <host:port>', 'with --dir: whose snapshot, where the backup is of a cluster', source)
    .option('--buckets', 'also the buckets of clients', false)
    .option('--all', 'also API keys, configuration, and what this version does not know', false)
    .option(
      '--force',
      'write over what is there, and remove what the backup does not have, of the same kinds only',
      false,
    )
    .option('--dry-run', 'check all and say what would change', false)
    .action(async (id: string, options: RestoreOptions) => {
      const { restore } = await import('../restore/restore.ts');
      finish(await restore(io, { ...options, id }));
    });
}

function source(text: string): string {
  if (/^.+:\d+$/.test(text)) return text;
  throw new InvalidArgumentError('Expected host:port, as the manifest names it.');
}
