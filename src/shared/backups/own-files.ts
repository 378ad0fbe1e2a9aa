import { randomBytes } from 'node:crypto';
import { NameTaken } from './backup-store.ts';
import type { BackupStore, LocalFile, TransferOptions } from './backup-store.ts';
import { readWholeManifest } from './catalog.ts';
import type { Manifest } from './manifest.ts';
import { memberName } from './names.ts';
import { writeManifest } from './write-manifest.ts';

type Which = Pick<Manifest['files'][number], 'content' | 'recipient'> & {
  readonly part: readonly [number, number] | undefined;
};

/**
 * What one try to make a backup has in the store. Another may be at the same backup at the same time: a node that was frozen
 * does not know that its run was taken over. So each has files of its own, and never touches those of another.
 */
export class OwnFiles {
  readonly #store: BackupStore;
  readonly #id: string;
  readonly #tag = randomBytes(4).toString('hex');
  #names: string[] = [];

  constructor(store: BackupStore, id: string) {
    this.#store = store;
    this.#id = id;
  }

  /** @returns the name it has: the plain one where nobody has that, and the store can tell */
  async put(
    { content, recipient, part }: Which,
    file: LocalFile,
    options: Pick<TransferOptions, 'signal' | 'onBytes'>,
  ): Promise<string> {
    if (this.#store.keepsFirst) {
      const plain = memberName(this.#id, { content, recipient }, { part });
      try {
        await this.#store.put(plain, file, { ...options, onlyNew: true });
        this.#names.push(plain);
        return plain;
      } catch (error) {
        if (!(error instanceof NameTaken)) throw error;
      }
    }
    const own = memberName(this.#id, { content, recipient }, { part, tag: this.#tag });
    this.#names.push(own);
    await this.#store.put(own, file, options);
    return own;
  }

  /**
   * Stores the manifest, which makes a backup of them. Where another try was first, its backup is the one, and ours go.
   * @returns the manifest that holds
   */
  async finish(
    manifest: Manifest,
    options: { readonly tempDir: string; readonly signal: AbortSignal },
  ): Promise<Manifest> {
    try {
      await writeManifest(this.#store, manifest, { ...options, onlyNew: this.#store.keepsFirst });
    } catch (error) {
      if (!(error instanceof NameTaken)) throw error;
      const first = await readWholeManifest(this.#store, this.#id, options);
      if (first !== undefined) {
        await this.#remove(options.signal);
        return first;
      }
      // That of a backup which is broken is replaced, in one go.
      await writeManifest(this.#store, manifest, options);
    }
    this.#names = [];
    return manifest;
  }

  /** After a failure. What cannot be removed now goes with a later run's retention. */
  async takeBack(withinMs: number): Promise<void> {
    await this.#remove(AbortSignal.timeout(withinMs));
  }

  async #remove(signal: AbortSignal): Promise<void> {
    for (const name of this.#names) await this.#store.remove(name, signal).catch(() => {});
    this.#names = [];
  }
}
