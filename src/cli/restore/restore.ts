import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { wallClockMs } from '../../shared/clock.ts';
import type { Access, BackupFile } from '../../shared/backups/fetch-clear.ts';
import { fetchClear, prove } from '../../shared/backups/fetch-clear.ts';
import { applyPlan } from '../../shared/backups/restore/apply-plan.ts';
import { lookAtDataDir, putIntoDataDir } from '../../shared/backups/restore/data-dir.ts';
import { planRestore } from '../../shared/backups/restore/plan.ts';
import { databaseOf, scratchOf } from '../../shared/backups/restore/scratch-of.ts';
import { whyTargetUnfit } from '../../shared/backups/restore/target.ts';
import type { Proof } from '../../shared/backups/verify/prove-rdb.ts';
import { findRedisBinaries } from '../../shared/backups/verify/redis-binaries.ts';
import { manifestOf, withBackups } from '../backup/session.ts';
import type { SessionOptions } from '../backup/session.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { count } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import { planLines } from './print.ts';
import { openTarget } from './open-target.ts';

export interface RestoreOptions extends SessionOptions {
  readonly id: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly buckets: boolean;
  readonly all: boolean;
  /** URL of a Redis. */
  readonly target?: string | undefined;
  /** Data directory of a Redis that is stopped. */
  readonly dir?: string | undefined;
  /** Of a backup of a cluster: whose snapshot goes into `dir`. */
  readonly source?: string | undefined;
}

/** A file of the backup that has been proved, where it lies in the clear. */
interface Proved {
  readonly file: BackupFile;
  readonly clear: string;
  readonly proof: Proof;
}

/** `gateway restore ID`: checks a backup whole, and only then puts it back. */
export function restore(io: CliIo, options: RestoreOptions): Promise<number> {
  refuseContradictions(options);
  return withBackups(io, options, async (session) => {
    const { access } = session;
    const manifest = await manifestOf(io, session, options.id);
    const files = manifest.files.filter(({ content }) => content !== 'files');
    const binaries = await findRedisBinaries(access.signal);
    const proved: Proved[] = [];
    for (const file of chosen(files, options)) {
      const clear = await fetchClear(file, access);
      proved.push({ file, clear, proof: await prove(file, clear, { access, binaries }) });
    }
    return options.dir === undefined
      ? intoRedis(io, options, { access, proved })
      : intoDir(io, options, { access, proved });
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

interface Ready {
  readonly access: Access;
  readonly proved: readonly Proved[];
}

async function intoRedis(io: CliIo, options: RestoreOptions, { access, proved }: Ready): Promise<number> {
  const { id, json, dryRun, force, buckets, all } = options;
  const { signal, dir, report } = access;
  await using target = await openTarget(io, options.target);
  await using scratches = new AsyncDisposables();
  const loaded: Redis[] = [];
  for (const [i, { file, clear }] of proved.entries()) {
    const { redis } = scratches.add(await scratchOf(file, clear, { dir: join(dir, `scratch-${i}`), signal }));
    const unfit = await whyTargetUnfit(target, { sourceVersion: file.redisVersion, scratch: redis });
    if (unfit !== undefined)
      throw new CommandFailure(EXIT.negative, `${target.where} cannot be used: ${unfit}.\nNothing was changed.`);
    await redis.select(await databaseOf(redis, target.database));
    loaded.push(redis);
  }
  report({ step: 'compare' });
  const plan = await planRestore(loaded, target, { wanted: { buckets, all }, signal });
  const expired = proved.reduce((sum, { proof }) => sum + proof.keysExpired, 0);
  const refused = plan.inTheWay > 0 && !force;
  const applied = dryRun || refused ? undefined : await applyPlan(plan, target, { force, signal, report });
  const rows = plan.rows.map(({ kind, ...row }) => ({ kind: kind.name, ...row }));
  const differences = plan.differences.map(({ kind, ...each }) => ({
    kind: kind.name,
    subject: each.subject,
    before: each.before ?? null,
    after: each.after ?? null,
  }));
  const answer = {
    id,
    target: target.where,
    dryRun,
    kinds: rows,
    differences,
    expired,
    written: applied?.written ?? 0,
    removed: applied?.removed ?? 0,
  };
  if (!refused || dryRun || json)
    show({ io, json }, answer, planLines({ plan, id, where: target.where, expired, applied }));
  if (!refused) return EXIT.ok;
  const what = `${target.where} holds ${count(plan.inTheWay)} keys that would be written over or removed`;
  if (dryRun) {
    io.err(`${what}: it would take --force.`);
    return EXIT.negative;
  }
  throw new CommandFailure(EXIT.negative, `${what}: nothing was changed. --dry-run shows them, --force does it.`);
}

/** Closes what was opened, the last first. */
class AsyncDisposables implements AsyncDisposable {
  readonly #opened: AsyncDisposable[] = [];

  add<T extends AsyncDisposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#opened.reverse()) await each[Symbol.asyncDispose]();
  }
}

async function intoDir(io: CliIo, options: RestoreOptions, { access, proved }: Ready): Promise<number> {
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
  await scratch.redis.config('SET', 'dbfilename', 'whole.rdb');
  await scratch.redis.save();
  return join(folder, 'whole.rdb');
}
