import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DirectoryStore } from '../../src/shared/backups/directory-store.ts';
import type { BackupKind, Manifest } from '../../src/shared/backups/manifest.ts';
import { makeBackup } from '../../src/shared/backups/make-backup.ts';
import type { BackupParts } from '../../src/shared/backups/make-backup.ts';
import type { StepProgress } from '../../src/shared/backups/steps.ts';
import { TaskThreads } from '../../src/shared/backups/task-threads.ts';
import type { RedisConfig } from '../../src/shared/config/types.ts';
import type { Files } from '../../src/shared/config/test-reading.ts';
import { configOf } from '../../src/shared/config/test-reading.ts';
import { startRedis } from '../support/redis.ts';

export const RECIPIENT = 'age10094hqgs0zsa5jlvykhp4mwhrjkez3vy28hdszfttwn4tq4padesct9nd8';
export const IDENTITY = 'AGE-SECRET-KEY-1ZU4ALDDLNL9MMRZCTKPL3AF4RR7E8ZD60VSX7NHJJ795HK4VW2QSKMUX7Y';
/** Of somebody else. */
export const OTHER_IDENTITY = 'AGE-SECRET-KEY-1F9X32R5QDFNQ2AXC35H67409XR9ELDW36KZU727ZQ3DAMJTFXUDQXWNYY2';

export const SLOT_MS = Date.UTC(2026, 10, 26, 2);
export const DAY_MS = 24 * 3_600_000;

export const DIST = resolve(import.meta.dirname, '../..', process.env['GATEWAY_TEST_DIST'] ?? 'dist');

/** A Redis that gives a snapshot at once: else it waits for more replicas for five seconds. */
export const AT_ONCE = ['--repl-diskless-sync-delay', '0'] as const;

/** What a backup may take: its helpers yield to everybody else on the machine. */
export const BACKUP_PATIENCE_MS = 250_000;

/** What gateways need that back up a Redis of this test alone. */
export interface GatewaySetting extends AsyncDisposable {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts the Redis, and makes the folder for its backups. */
export async function gatewaySetting(): Promise<GatewaySetting> {
  const redis = await startRedis(AT_ONCE);
  const dir = await mkdtemp(join(tmpdir(), 'gateway-b-'));
  return {
    dir,
    env: { REDIS_URL: `redis://127.0.0.1:${redis.port}`, BACKUP_DIR: dir, BACKUP_CPU_SHARE: '1' },
    async [Symbol.asyncDispose]() {
      await rm(dir, { recursive: true });
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** A place for backups of this test alone, and what makes them. */
export interface BackupSetting extends AsyncDisposable {
  readonly dir: string;
  readonly tempDir: string;
  readonly parts: BackupParts;
  readonly redis: RedisConfig;
  make(options?: MakeOptions): Promise<Manifest>;
  /** Names in the store and in the folder for what is temporary. */
  names(): Promise<{ readonly stored: readonly string[]; readonly temporary: readonly string[] }>;
}

export interface MakeOptions {
  readonly kind?: BackupKind;
  readonly slotMs?: number;
  readonly signal?: AbortSignal;
  readonly report?: (progress: StepProgress) => void;
}

/** @param env BACKUP_* and REDIS_*, beside the folders; what they name is in `files` */
export async function backupSetting(env: Readonly<Record<string, string>>, files: Files = {}): Promise<BackupSetting> {
  const root = await mkdtemp(join(tmpdir(), 'gateway-b-'));
  const [dir, tempDir] = [join(root, 'store'), join(root, 'temp')];
  const config = configOf({ BACKUP_DIR: dir, BACKUP_TEMP_DIR: tempDir, BACKUP_CPU_SHARE: '1', ...env }, files);
  if (config.redis === undefined) throw new Error('the test names a Redis');
  const entry = pathToFileURL(join(DIST, 'src/workers/jobs/main.js'));
  const tasks = new TaskThreads({ cpuShare: config.backups.cpuShare, entry });
  const store = new DirectoryStore(dir);
  const parts = { config: config.backups, redis: config.redis, node: 'test-node', store, tasks };
  const never = new AbortController().signal;
  return {
    dir,
    tempDir,
    parts,
    redis: config.redis,
    make: ({ kind = 'redis', slotMs = SLOT_MS, signal = never, report = () => {} } = {}) =>
      makeBackup(parts, { kind, slotMs, signal, report }),
    names: async () => ({
      stored: (await readdir(dir).catch((): string[] => [])).toSorted(),
      temporary: await readdir(tempDir).catch(() => []),
    }),
    async [Symbol.asyncDispose]() {
      await tasks[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}
