import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { BackupStore, LocalFile, StoredFile, TransferOptions } from './backup-store.ts';
import { S3Client } from './s3/client.ts';
import type { S3Place } from './s3/client.ts';
import { noAnswerTo, S3Failure } from './s3/failure.ts';
import { partBytesOf, putParts, removeStale, sizeOf } from './s3/multipart.ts';
import { S3_PATIENCE, withPatience } from './s3/retries.ts';
import type { Patience } from './s3/retries.ts';
import { elements, textOf } from './s3/xml.ts';

/** What tests set otherwise, to be quick. */
export interface S3Behaviour {
  readonly patience?: Patience;
  /** Of a file so large; what is larger goes in parts of this size. */
  readonly partBytes?: (fileBytes: number) => number;
  readonly silentMs?: number;
  /** Names on a page of a list; S3 gives 1,000 at most. */
  readonly pageNames?: number;
}

/**
 * Backups in a bucket of S3, or of a server that speaks as it does, addressed by path. What may be done twice is tried
 * again while the failure is one that passes.
 */
export function openS3Store(place: S3Place, behaviour: S3Behaviour = {}): BackupStore {
  return new S3Store(new S3Client(place, behaviour.silentMs), behaviour);
}

class S3Store implements BackupStore {
  readonly where: string;
  /** Of the servers there are, some heed `If-None-Match: *` of a PUT and some do not. */
  readonly keepsFirst = false;
  readonly #client: S3Client;
  readonly #patience: Patience;
  readonly #partBytes: (fileBytes: number) => number;
  readonly #pageNames: number;

  constructor(client: S3Client, behaviour: S3Behaviour) {
    this.where = client.where;
    this.#client = client;
    this.#patience = behaviour.patience ?? S3_PATIENCE;
    this.#partBytes = behaviour.partBytes ?? partBytesOf;
    this.#pageNames = behaviour.pageNames ?? 1_000;
  }

  async put(name: string, file: LocalFile, options: TransferOptions): Promise<void> {
    const { signal, onBytes } = options;
    await removeStale(this.#client, name, signal).catch((error: unknown) => {
      if (!(error instanceof S3Failure)) throw error; // it is no part of storing, and a key need not be allowed to
    });
    const partBytes = this.#partBytes(file.bytes);
    if (file.bytes > partBytes) {
      await putParts(this.#client, name, { file, options, parts: { partBytes, patience: this.#patience } });
    } else {
      const body = { path: file.path, start: 0, bytes: file.bytes, sha256: file.sha256, onBytes };
      await this.#again(signal, () => this.#client.text({ method: 'PUT', name, body, signal }));
    }
    const stored = await this.#again(signal, () => sizeOf(this.#client, name, signal));
    if (stored === file.bytes) return;
    await this.remove(name, signal).catch(() => undefined);
    const found = stored === undefined ? 'nothing' : `${stored} bytes`;
    throw new Error(`${this.where} took ${name} with ${file.bytes} bytes, but has ${found} of it.`);
  }

  async get(name: string, toPath: string, options: TransferOptions): Promise<Omit<LocalFile, 'path'>> {
    return this.#again(options.signal, async () => {
      try {
        return await this.#read(name, toPath, options);
      } catch (error) {
        // Not where it was there before us.
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) await rm(toPath, { force: true });
        throw error;
      }
    });
  }

  async #read(name: string, toPath: string, { signal, onBytes }: TransferOptions): Promise<Omit<LocalFile, 'path'>> {
    // Stands before anything can fail: an opening under way would make the file after it was taken away.
    await using handle = await open(toPath, 'wx', 0o600);
    const incoming = await this.#client.send({ method: 'GET', name, signal });
    const hash = createHash('sha256');
    let bytes = 0;
    let local: unknown;
    const file = handle.createWriteStream();
    file.once('error', (error) => (local = error));
    try {
      await pipeline(
        incoming,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            bytes += chunk.length;
            yield chunk;
            onBytes?.(bytes);
          }
        },
        file,
      );
    } catch (error) {
      signal.throwIfAborted();
      if (local !== undefined) throw local;
      throw noAnswerTo(`GET of ${name} at ${this.where}`, error, true);
    }
    return { bytes, sha256: hash.digest('hex') };
  }

  async list(prefix: string, signal: AbortSignal): Promise<readonly StoredFile[]> {
    const files: StoredFile[] = [];
    const whole = this.#client.prefix + prefix;
    let token = '';
    do {
      const query = {
        'list-type': '2',
        prefix: whole,
        'max-keys': String(this.#pageNames),
        ...(token === '' ? {} : { 'continuation-token': token }),
      };
      const page = await this.#again(signal, () => this.#client.text({ method: 'GET', query, signal }));
      if (!/<ListBucketResult[\s>]/.test(page)) {
        throw new Error(`${this.where} does not answer as S3 does: check BACKUP_S3_URL.`);
      }
      files.push(...filesOf(page, whole, this.#client.prefix.length));
      const next = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : '';
      if (next !== '' && next === token) throw new Error(`${this.where} gives the same page of its list again.`);
      token = next;
    } while (token !== '');
    return files.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#again(signal, async () => {
      try {
        await this.#client.text({ method: 'DELETE', name, signal });
      } catch (error) {
        if (!(error instanceof S3Failure && error.code === 'NoSuchKey')) throw error;
      }
    });
  }

  #again<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return withPatience(work, { ...this.#patience, signal });
  }
}

/** What lies in a folder below is not ours. */
const filesOf = (page: string, whole: string, cut: number): readonly StoredFile[] =>
  elements(page, 'Contents').flatMap((entry) => {
    const key = textOf(entry, 'Key');
    const name = key.slice(cut);
    if (!key.startsWith(whole) || name === '' || name.includes('/')) return [];
    return [{ name, bytes: Number(textOf(entry, 'Size')) }];
  });
