/** Where backups lie: a directory, or a bucket of S3. Holds files by name; names sort by time. */
export interface BackupStore {
  /** For people: the directory, or URL without secrets. */
  readonly where: string;
  /** It can store a file only where there is none of its name. */
  readonly keepsFirst: boolean;
  /**
   * Stores a local file under this name. Until it is whole the name is not in the list; the same name again replaces it.
   *
   * @throws {NameTaken} with `onlyNew`, where there is one of this name: it stays as it is
   * @throws {Error} when it is not stored; what was half there is taken away
   */
  put(name: string, file: LocalFile, options: PutOptions): Promise<void>;
  /**
   * Reads a file into a new local one.
   *
   * @returns bytes and SHA-256 of what was read
   * @throws {Error} when there is none of this name, or it cannot be read
   */
  get(name: string, toPath: string, options: TransferOptions): Promise<Omit<LocalFile, 'path'>>;
  /** All files whose name starts so, in the order of their names. */
  list(prefix: string, signal: AbortSignal): Promise<readonly StoredFile[]>;
  /** No error where there is none. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}

export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

/** Somebody else has stored a file of this name. */
export class NameTaken extends Error {}

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (doneBytes: number) => void;
}

export interface PutOptions extends TransferOptions {
  /** Only for a store that `keepsFirst`; others replace. */
  readonly onlyNew?: boolean;
}
