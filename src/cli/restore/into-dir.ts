import { join } from 'node:path';
import type { Access } from '../../shared/backups/fetch-clear.ts';
import { lookAtDataDir, putIntoDataDir } from '../../shared/backups/restore/data-dir.ts';
import { scratchOf } from '../../shared/backups/restore/scratch-of.ts';
import { wallClockMs } from '../../shared/clock.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import type { Proved, Ready, RestoreOptions } from './options.ts';

/** Puts a whole snapshot where a Redis that is stopped will load it. */
export async function intoDir(io: CliIo, options: RestoreOptions, { access, proved }: Ready): Promise<number> {
  const { id, json, dryRun, dir: given = '' } = options;
  const [only] = proved;
  if (only === undefined) throw new CommandFailure(EXIT.negative, `${id} holds no snapshot of Redis.`);
  const { file, proof } = only;
  const dir = await lookAtDataDir(given);
  const snapshot = file.content === 'rdb' ? only.clear : await asRdb(only, access);
  const stamp = `${new Date(wallClockMs()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const done = dryRun ? undefined : await putIntoDataDir(dir, snapshot, { redisVersion: file.redisVersion, stamp });
  const answer = {
    id,
    dir: dir.path,
    dryRun,
    source: file.source,
    old: dir.old,
    kept: done?.kept ?? null,
    made: done?.made ?? [],
    ...proof,
  };
  const version = file.redisVersion ?? 'the version it came from';
  const keys = `${count(proof.keysLoaded)} keys of ${file.source} (Redis ${version}), ${count(proof.keysExpired)} more have expired since`;
  const logical =
    file.content === 'logical' ? [[span('It is a copy by key: only keys of the gateway are in it.', 'warn')]] : [];
  const lines =
    done === undefined
      ? [
          [span(`${id} is whole: ${keys}.`)],
          [span(dir.old.length === 0 ? `${dir.path} is empty.` : `Would be moved aside: ${dir.old.join(', ')}.`)],
          [span('Nothing was changed (--dry-run).')],
        ]
      : [
          [span(`${id} is in ${dir.path}: ${keys}.`, 'good')],
          [span(`Made: ${done.made.join(', ')}; so it is loaded with an append-only file and without.`)],
          [span(done.kept === undefined ? 'There was no old data.' : `The old data is kept in ${done.kept}.`)],
          [
            span(
              `Start a Redis of ${version} or later there now. Where it runs without an append-only file, remove ${dir.aofDirName} afterwards.`,
            ),
          ],
        ];
  show({ io, json }, answer, [...logical, ...lines]);
  return EXIT.ok;
}

/** A copy by key as a snapshot, which a server of our own writes. */
async function asRdb({ file, clear }: Proved, { dir, signal }: Access): Promise<string> {
  const folder = join(dir, 'scratch');
  await using scratch = await scratchOf(file, clear, { dir: folder, signal });
  await scratch.redis.save();
  const [, name = ''] = (await scratch.redis.config('GET', 'dbfilename')) as readonly string[];
  return join(folder, name);
}
