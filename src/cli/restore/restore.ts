import type { BackupFile } from '../../shared/backups/fetch-clear.ts';
import { fetchClear, prove } from '../../shared/backups/fetch-clear.ts';
import { findRedisBinaries } from '../../shared/backups/verify/redis-binaries.ts';
import { manifestOf, withBackups } from '../backup/session.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { intoDir } from './into-dir.ts';
import { intoRedis } from './into-redis.ts';
import { targetOfRestore } from './open-target.ts';
import type { Proved, RestoreOptions } from './options.ts';

/** `gateway restore ID`: checks a backup whole, and only then puts it back. */
export function restore(io: CliIo, options: RestoreOptions): Promise<number> {
  refuseContradictions(options);
  if (options.dir === undefined) targetOfRestore(io, options.target); // before a backup is fetched for nowhere
  return withBackups(io, options, async (session) => {
    const { access } = session;
    const manifest = await manifestOf(session, options.id);
    const files = manifest.files.filter(({ content }) => content !== 'files');
    const binaries = await findRedisBinaries(access.signal);
    const proved: Proved[] = [];
    for (const file of chosen(files, options)) {
      const clear = await fetchClear(file, access);
      proved.push({ file, clear, proof: await prove(file, clear, { access, binaries }) });
    }
    const known = { ...options, id: manifest.id };
    const into = options.dir === undefined ? intoRedis : intoDir;
    return into(session.io, known, { access, proved });
  });
}

function refuseContradictions({ dir, target, buckets, all, force, source }: RestoreOptions): void {
  const wrong = (words: string): CommandFailure => new CommandFailure(EXIT.usage, words);
  if (dir !== undefined && target !== undefined) throw wrong('Either --target or --dir, not both.');
  if (dir !== undefined && (buckets || all || force)) {
    throw wrong('--buckets, --all and --force are for a running Redis: a data directory gets the whole snapshot.');
  }
  if (dir === undefined && source !== undefined) throw wrong('--source goes with --dir.');
}

/** One server's directory holds one server's snapshot; a running target takes all. */
function chosen(files: readonly BackupFile[], { dir, source, id }: RestoreOptions): readonly BackupFile[] {
  if (dir === undefined) return files;
  const found = source === undefined ? files : files.filter((file) => file.source === source);
  if (found.length === 1) return found;
  const sources = files.map((file) => file.source).join(', ');
  throw new CommandFailure(EXIT.usage, `${id} has snapshots of ${sources}: name one with --source.`);
}
