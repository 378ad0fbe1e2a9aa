import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedisConfig } from '../../config/types.ts';
import type { ClearFile } from '../clear-file.ts';
import { findSources } from './find-sources.ts';
import type { SnapshotSource } from './find-sources.ts';
import { copyKeys } from './logical-copy.ts';
import { PsyncRefused, takeRdbSnapshot } from './rdb-snapshot.ts';
import type { SnapshotOptions } from './rdb-snapshot.ts';
import { showServer } from './redis-server-at.ts';

export interface SnapshotAllOptions extends SnapshotOptions {
  /** The files are made in there. */
  readonly dir: string;
}

/**
 * Takes a snapshot of every primary of a deployment, each from a replica where one is well, and key by key where Redis gives
 * none.
 */
export async function snapshotAll(config: RedisConfig, options: SnapshotAllOptions): Promise<readonly ClearFile[]> {
  const files: ClearFile[] = [];
  for (const [i, source] of (await findSources(config, options.signal)).entries()) {
    const path = join(options.dir, `snapshot-${i}`);
    const content = await snapshotOf(source, path, options);
    const { redisVersion = null } = source;
    files.push({ path, content, source: showServer(source.primary), redisVersion });
  }
  return files;
}

async function snapshotOf(
  source: SnapshotSource,
  path: string,
  options: SnapshotOptions,
): Promise<ClearFile['content']> {
  // A replica may be lost, or refuse us, where its primary does not.
  const servers = new Set([source.from, source.primary]);
  for (const server of servers) {
    try {
      await takeRdbSnapshot(server, path, options);
      return 'rdb';
    } catch (error) {
      options.signal.throwIfAborted();
      await rm(path, { force: true });
      if (server !== source.primary) continue;
      if (!(error instanceof PsyncRefused)) throw error;
    }
  }
  await copyKeys(source, path, options);
  return 'logical';
}
