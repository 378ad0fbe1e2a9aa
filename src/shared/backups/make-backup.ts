import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { wallClockMs } from '../clock.ts';
import type { BackupsConfig } from '../config/backups/types.ts';
import type { RedisConfig } from '../config/types.ts';
import { VERSION } from '../version.ts';
import type { BackupStore } from './backup-store.ts';
import { readWholeManifest } from './catalog.ts';
import { collectFiles } from './files/collect-files.ts';
import { makeTar } from './files/tar.ts';
import type { ClearFile } from './clear-file.ts';
import type { BackupKind, Manifest } from './manifest.ts';
import { backupId } from './names.ts';
import { OwnFiles } from './own-files.ts';
import { snapshotAll } from './snapshot/snapshot-all.ts';
import { Steps } from './steps.ts';
import type { StepProgress } from './steps.ts';
import type { TaskRunner } from './tasks.ts';
import { proveFile, verificationOf } from './verify/prove-file.ts';
import type { StoredFileFacts } from './verify/prove-file.ts';
import { findRedisBinaries } from './verify/redis-binaries.ts';
import { openWorkDir } from './work-dir.ts';

/** What backups are made with. */
export interface BackupParts {
  readonly config: BackupsConfig;
  /** `undefined`: there is none, and a full backup has only files. */
  readonly redis: RedisConfig | undefined;
  /** Name of this node. */
  readonly node: string;
  readonly store: BackupStore;
  readonly tasks: TaskRunner;
}

export interface BackupRequest {
  readonly kind: BackupKind;
  readonly slotMs: number;
  readonly signal: AbortSignal;
  readonly report: (progress: StepProgress) => void;
}

/** After a failure the store is tidied for so long; where the run itself is no longer wanted somebody waits for its end. */
const TIDY_WITHIN_MS = { failed: 10_000, aborted: 1_000 } as const;

/**
 * Makes a backup: takes it, packs it, stores it, reads it back and proves it; its manifest comes last. Asked again for a slot
 * that has one, it gives that one.
 *
 * Two nodes may be at it at once: one that was frozen does not know that another has taken its run over. So no try writes
 * over files of another or removes them, and the first that has its manifest in the store is the slot's.
 *
 * @throws {StepFailure} when it failed; the store then has nothing of it. What a killed process leaves is in no list, and goes
 *   with a later run's retention.
 */
export async function makeBackup(parts: BackupParts, request: BackupRequest): Promise<Manifest> {
  const steps = new Steps(request.report, request.signal);
  const run = new Run(parts, request, steps);
  try {
    return await run.make();
  } catch (error) {
    await run.files.takeBack(request.signal.aborted ? TIDY_WITHIN_MS.aborted : TIDY_WITHIN_MS.failed);
    throw steps.failure(error);
  }
}

class Run {
  readonly #parts: BackupParts;
  readonly #request: BackupRequest;
  readonly #steps: Steps;
  readonly #id: string;
  readonly files: OwnFiles;
  #leftOut: readonly string[] = [];

  constructor(parts: BackupParts, request: BackupRequest, steps: Steps) {
    this.#parts = parts;
    this.#request = request;
    this.#steps = steps;
    this.#id = backupId(request.kind, request.slotMs);
    this.files = new OwnFiles(parts.store, this.#id);
  }

  async make(): Promise<Manifest> {
    const { config, store } = this.#parts;
    const { signal } = this.#request;
    this.#steps.begin('prepare');
    await using work = await openWorkDir(config.tempDir);
    const before = await readWholeManifest(store, this.#id, { tempDir: work.path, signal });
    if (before !== undefined) return before;
    const binaries = await findRedisBinaries(signal);
    const opens = await this.#whatOpens();
    const clear = await this.#take(work.path);
    const files: StoredFileFacts[] = [];
    const proofs = [];
    const snapshots = clear.filter(({ content }) => content !== 'files').length;
    for (const [i, each] of clear.entries()) {
      const facts = await this.#storeFile(each, {
        part: [i + 1, snapshots],
        recipients: opens.recipients,
        dir: work.path,
      });
      const back = await this.#readBack(facts, work.path);
      this.#steps.begin('verify');
      const proof = await proveFile(back, facts, {
        dir: work.path,
        tasks: this.#parts.tasks,
        binaries,
        identities: opens.identities,
        signal,
      });
      proofs.push(proof);
      files.push({
        ...facts,
        keys: 'unproved' in proof || each.content === 'files' ? facts.keys : proof.keysLoaded + proof.keysExpired,
      });
      await rm(back);
    }
    this.#steps.begin('manifest');
    const manifest: Manifest = {
      format: 1,
      id: this.#id,
      kind: this.#request.kind,
      slot: new Date(this.#request.slotMs).toISOString(),
      finished: new Date(wallClockMs()).toISOString(),
      node: this.#parts.node,
      gatewayVersion: VERSION,
      files,
      leftOut: [...this.#leftOut],
      verification: verificationOf(proofs, { binaries, nowMs: wallClockMs() }),
    };
    return await this.files.finish(manifest, { tempDir: work.path, signal });
  }

  /**
   * Whom it is encrypted for, and what opens it for the proof. Where only the recipient is known, a key of this run is one
   * more recipient, and is forgotten with it.
   */
  async #whatOpens(): Promise<{
    readonly recipients: readonly string[];
    readonly identities: readonly string[] | undefined;
  }> {
    const { config, tasks } = this.#parts;
    const { recipient, identity } = config;
    if (recipient === undefined) return { recipients: [], identities: undefined };
    if (identity !== undefined) return { recipients: [recipient], identities: [identity] };
    const own = await tasks.run('newIdentity', null, this.#request.signal);
    return { recipients: [recipient, own.recipient], identities: [own.identity] };
  }

  async #take(dir: string): Promise<readonly ClearFile[]> {
    const { config, redis, tasks } = this.#parts;
    const { kind, signal } = this.#request;
    this.#steps.begin('snapshot');
    if (redis === undefined && kind === 'redis') throw new Error('there is no Redis: REDIS_URL is not set');
    const onBytes = this.#steps.bytes;
    const snapshots =
      redis === undefined ? [] : await snapshotAll(redis, { dir, cpuShare: tasks.cpuShare, signal, onBytes });
    if (kind === 'redis' || config.files.length === 0) return snapshots;
    this.#steps.begin('files');
    const secrets = config.recipient === undefined ? config.secretFiles : undefined;
    const { paths, leftOut } = await collectFiles(config.files, { secrets, signal });
    this.#leftOut = leftOut;
    const path = join(dir, 'files.tar');
    await makeTar(path, paths, { dir, cpuShare: tasks.cpuShare, signal });
    return [...snapshots, { path, content: 'files', source: config.files.join(','), redisVersion: null }];
  }

  async #storeFile(
    { path, content, source, redisVersion }: ClearFile,
    {
      part,
      recipients,
      dir,
    }: { readonly part: readonly [number, number]; readonly recipients: readonly string[]; readonly dir: string },
  ): Promise<StoredFileFacts> {
    const { config, tasks } = this.#parts;
    const { signal } = this.#request;
    const recipient = config.recipient ?? null;
    this.#steps.begin('pack');
    const to = join(dir, 'packed');
    const packed = await tasks.run('pack', { from: path, to, recipients }, signal);
    await rm(path);
    const { bytes, sha256, clearBytes, clearSha256 } = packed;
    this.#steps.begin('store');
    const which = { content, recipient, part: content === 'files' ? undefined : part };
    const onBytes = (done: number): void => this.#steps.bytes(done, bytes);
    const name = await this.files.put(which, { path: to, bytes, sha256 }, { signal, onBytes });
    await rm(to);
    return {
      name,
      content,
      source,
      compression: 'gzip',
      recipient,
      bytes,
      sha256,
      clearBytes,
      clearSha256,
      redisVersion,
      keys: null,
    };
  }

  /** @returns where it lies, byte for byte as it was stored */
  async #readBack({ name, bytes, sha256 }: StoredFileFacts, dir: string): Promise<string> {
    this.#steps.begin('read back');
    const to = join(dir, 'back');
    const onBytes = (done: number): void => this.#steps.bytes(done, bytes);
    const got = await this.#parts.store.get(name, to, { signal: this.#request.signal, onBytes });
    if (got.bytes !== bytes || got.sha256 !== sha256)
      throw new Error(`the store gives something else for ${name} than it was given`);
    return to;
  }
}
