import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { MOST_BYTES } from '../../shared/config/files/config-files.ts';
import { thisMachine } from '../../shared/config/server/machine.ts';
import type { FileFacts } from '../../shared/config/server/machine.ts';
import type { ReadFile } from '../../shared/config/text-file.ts';

/** What a file or folder held: a digest of it, or why it could not be read. */
export type Contents = string;

/** All that a configuration was read from, by the names it was read under. */
export interface FilesRead {
  readonly files: ReadonlyMap<string, Contents>;
  /** By the names in them. */
  readonly folders: ReadonlyMap<string, Contents>;
  /** Files without anything but blanks. */
  readonly empty: ReadonlySet<string>;
}

const digestOf = (data: Buffer | string): Contents => createHash('sha256').update(data).digest('hex');

/** Of a file that nobody reads: it is no configuration. */
export const TOO_LARGE: Contents = 'too large';
export const contentsOf = (bytes: Buffer): Contents => (bytes.length > MOST_BYTES ? TOO_LARGE : digestOf(bytes));
export const contentsOfFolder = (names: readonly string[]): Contents => digestOf(names.toSorted().join('/'));
export const whyUnreadable = (error: unknown): Contents =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';

/** A file of a version that was pushed: where it would lie, and what it says. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** Reads each file once, so that what was checked is what is used, also while somebody writes it; and says what it has read. */
export class FileRecorder {
  readonly #texts = new Map<string, string>();
  readonly #documents: ReadonlyMap<string, string>;
  readonly #files = new Map<string, Contents>();
  readonly #folders = new Map<string, Contents>();
  readonly #factsOf = thisMachine().factsOf;

  /** @param documents are there in place of what is on the disk */
  constructor(documents: readonly Document[] = []) {
    this.#documents = new Map(documents.map(({ path, text }) => [path, text]));
  }

  /** Throws what Node does. */
  readonly readFile: ReadFile = (path) => {
    const known = this.#documents.get(path) ?? this.#texts.get(path);
    if (known !== undefined) return known;
    try {
      const bytes = readFileSync(path);
      const text = bytes.toString('utf8');
      this.#texts.set(path, text);
      this.#files.set(path, contentsOf(bytes));
      return text;
    } catch (error) {
      this.#files.set(path, whyUnreadable(error));
      throw error;
    }
  };

  /** @returns `undefined`: nothing can be seen there */
  readonly factsOf = (path: string): FileFacts | undefined => {
    const document = this.#documents.get(path);
    if (document !== undefined) return { mode: 0o100600, ownerId: userInfo().uid, bytes: Buffer.byteLength(document) };
    const facts = this.#factsOf(path);
    if (facts !== undefined && facts.bytes > MOST_BYTES) this.#files.set(path, TOO_LARGE);
    return facts;
  };

  /** @returns `undefined`: it is no folder, or cannot be looked into */
  readonly entriesOf = (path: string): readonly string[] | undefined => {
    if (this.#documents.has(path)) return undefined;
    try {
      const names = readdirSync(path);
      this.#folders.set(path, contentsOfFolder(names));
      return names;
    } catch {
      return undefined;
    }
  };

  get read(): FilesRead {
    const empty = new Set([...this.#texts].flatMap(([path, text]) => (text.trim() === '' ? [path] : [])));
    return { files: this.#files, folders: this.#folders, empty };
  }
}
