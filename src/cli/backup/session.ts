import { constants } from 'node:os';
import type { BackupStore } from '../../shared/backups/backup-store.ts';
import type { Access } from '../../shared/backups/fetch-clear.ts';
import type { Manifest } from '../../shared/backups/manifest.ts';
import { manifestName, readBackupId } from '../../shared/backups/names.ts';
import { openStore } from '../../shared/backups/open-store.ts';
import { readCatalog, readManifest } from '../../shared/backups/catalog.ts';
import { S3Failure } from '../../shared/backups/s3/failure.ts';
import { StepFailure } from '../../shared/backups/steps.ts';
import { TaskThreads } from '../../shared/backups/task-threads.ts';
import { openWorkDir } from '../../shared/backups/work-dir.ts';
import type { BackupsConfig } from '../../shared/config/backups/types.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT, exitCodeOfSignal } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { backupsConfig, identitiesOf, storeOf } from './backups-config.ts';
import { madeByNodes } from './other-nodes.ts';
import { progressOn, stderrOutput } from '../output/progress.ts';

/** What a command about backups works with. */
export interface BackupSession {
  /** Prints below the progress that is shown. */
  readonly io: CliIo;
  readonly config: BackupsConfig;
  readonly access: Access;
}

export interface SessionOptions {
  /** File with a secret key of age. */
  readonly identity?: string | undefined;
}

/** A person waits. */
const CPU_SHARE = 1;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command with a folder of its own for what lies in the clear, which goes with it, also when a signal ends it.
 * @param openOther in place of the store that BACKUP_* name
 */
export async function withBackups(
  io: CliIo,
  { identity, openOther }: SessionOptions & { readonly openOther?: () => BackupStore },
  work: (session: BackupSession) => Promise<number>,
): Promise<number> {
  const config = backupsConfig(io);
  const store = openOther === undefined ? await openStore(storeOf(config)) : openOther();
  const identities = identitiesOf(io, config, identity);
  const over = new AbortController();
  let ended: (typeof SIGNALS)[number] | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    ended = SIGNALS.find((each) => each === name);
    over.abort(new Error(`ended by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  const progress = progressOn(stderrOutput());
  try {
    await using folder = await openWorkDir(config.tempDir).catch((error: unknown) => {
      throw new CommandFailure(EXIT.unavailable, `BACKUP_TEMP_DIR: ${reasonOf(error)}`);
    });
    await using tasks = new TaskThreads({ cpuShare: CPU_SHARE });
    const { signal } = over;
    const access = { store, tasks, identities, dir: folder.path, signal, report: progress.report };
    const below = (write: (line: string) => void) => (line: string) => {
      progress.done();
      write(line);
    };
    return await work({ io: { ...io, out: below(io.out), err: below(io.err) }, config, access });
  } catch (error) {
    progress.done();
    if (ended !== undefined) {
      const word = `ended by ${ended}`;
      const said = error instanceof Error ? error.message : ''; // how far it came, if it knows
      throw new CommandFailure(exitCodeOfSignal(constants.signals[ended]), said.includes(word) ? said : word);
    }
    throw asFailure(error);
  } finally {
    progress.done();
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}

/** A backup that is damaged is an answer; a Redis, a disk or an S3 server that is away is none. */
function asFailure(error: unknown): unknown {
  if (error instanceof CommandFailure || !(error instanceof Error)) return error;
  if (error instanceof TypeError || error instanceof RangeError) return error; // a fault of our own
  const step = error instanceof StepFailure ? error.step : undefined;
  const cause = step === undefined ? error : error.cause;
  const away = cause instanceof S3Failure && (cause.status === 0 || cause.status >= 500);
  const judged = step === undefined || step === 'read back' || step === 'verify';
  return new CommandFailure(away || !judged ? EXIT.unavailable : EXIT.negative, reasonOfBackup(error));
}

/** Ours say it all; what they were caused by is in them. */
const reasonOfBackup = (error: Error): string => reasonOf(new Error(error.message));

const LATEST = 'latest';

/**
 * The manifest of a backup that somebody names; `latest` is the newest verified one.
 * @throws {CommandFailure} when there is none
 */
export async function manifestOf({ io, access, config }: BackupSession, id: string): Promise<Manifest> {
  const { store, dir, signal } = access;
  if (id === LATEST) {
    const { backups } = await readCatalog(store, { tempDir: dir, signal });
    const newest = backups.find(({ manifest }) => manifest.verification.result === 'verified');
    if (newest !== undefined) return newest.manifest;
    throw new CommandFailure(EXIT.negative, `There is no verified backup in ${store.where}.`);
  }
  if (readBackupId(id) === undefined) {
    const words = `"${id}" is no id of a backup: "gateway backup list" shows them, such as redis-20261126T020000Z`;
    throw new CommandFailure(EXIT.usage, words);
  }
  const found = await store.list(id, signal);
  const manifest = await readManifest(store, id, { tempDir: dir, signal });
  if (manifest !== undefined) return manifest;
  const broken = found.some(({ name }) => name === manifestName(id));
  if (broken) {
    const words = `The manifest of ${id} cannot be read: it is damaged, or of a later version.`;
    throw new CommandFailure(EXIT.negative, words);
  }
  const why = `There is no backup ${id} in ${store.where}: "gateway backup list" shows those there are.`;
  if (config.store?.kind !== 'directory') throw new CommandFailure(EXIT.negative, why);
  const holder = (await madeByNodes(io)).find((made) => made.id === id)?.node;
  const where =
    holder === undefined
      ? 'A BACKUP_DIR that nodes do not share holds only those of its node.'
      : `The node ${holder} has made it: it lies in the BACKUP_DIR there. Run this command on ${holder}.`;
  throw new CommandFailure(EXIT.negative, `${why}\n${where}`);
}
