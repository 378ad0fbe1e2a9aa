import { mkdir } from 'node:fs/promises';
import { DirectoryStore } from '../../shared/backups/directory-store.ts';
import { whyNoTar } from '../../shared/backups/files/tar.ts';
import type { BackupKind } from '../../shared/backups/manifest.ts';
import { findSources } from '../../shared/backups/snapshot/find-sources.ts';
import { findRedisBinaries, whyUnfit } from '../../shared/backups/verify/redis-binaries.ts';
import type { BackupsConfig } from '../../shared/config/backups/types.ts';
import type { RedisConfig } from '../../shared/config/types.ts';
import { monotonicMs } from '../../shared/clock.ts';
import type { JobAbility } from '../jobs/job.ts';

/** What a node can do, and why not all. */
export interface Ability {
  readonly can: JobAbility;
  /** '' = it can do all. */
  readonly reason: string;
}

/** Redis is rarely another version, and an idle node asks it little. */
const VERSION_HOLDS_MS = 600_000;
const ASK_WITHIN_MS = 10_000;

/** Looks whether this node can make backups, and prove them. */
export class BackupAbilities {
  #version: { readonly atMs: number; readonly newest: string | null } | undefined;

  async of(kind: BackupKind, config: BackupsConfig, redis: RedisConfig | undefined): Promise<Ability> {
    const signal = AbortSignal.timeout(ASK_WITHIN_MS);
    const blocked = (await whyNoRoom(config)) ?? (await whyNoFiles(kind, config, signal));
    if (blocked !== undefined) return { can: 'unable', reason: blocked };
    if (redis === undefined) return { can: 'able', reason: '' };
    const binaries = await findRedisBinaries(signal);
    const version = await this.#newestVersion(redis, signal);
    // While Redis does not answer it is the run that says so.
    const unfit = version === undefined ? (binaries.found ? undefined : binaries.reason) : whyUnfit(binaries, version);
    return unfit === undefined ? { can: 'able', reason: '' } : { can: 'stand-in', reason: unfit };
  }

  async #newestVersion(redis: RedisConfig, signal: AbortSignal): Promise<string | null | undefined> {
    if (this.#version !== undefined && monotonicMs() - this.#version.atMs < VERSION_HOLDS_MS)
      return this.#version.newest;
    const sources = await findSources(redis, signal).catch(() => undefined);
    if (sources === undefined) return undefined;
    const versions = sources.map(({ redisVersion }) => redisVersion);
    const known = versions.filter((version) => version !== undefined);
    const newest = known.length < versions.length ? null : (known.toSorted(byVersion).at(-1) ?? null);
    this.#version = { atMs: monotonicMs(), newest };
    return newest;
  }
}

const byVersion = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

async function whyNoRoom({ store, tempDir }: BackupsConfig): Promise<string | undefined> {
  if (store?.kind === 'directory') {
    const refused = await new DirectoryStore(store.path).refuses();
    if (refused !== '') return `BACKUP_DIR cannot be written: ${refused}`;
  }
  try {
    await mkdir(tempDir, { recursive: true });
    const refused = await new DirectoryStore(tempDir).refuses();
    return refused === '' ? undefined : `BACKUP_TEMP_DIR cannot be written: ${refused}`;
  } catch (error) {
    return `BACKUP_TEMP_DIR cannot be made: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function whyNoFiles(
  kind: BackupKind,
  { files }: BackupsConfig,
  signal: AbortSignal,
): Promise<string | undefined> {
  return kind === 'full' && files.length > 0 ? whyNoTar(signal) : undefined;
}
