/** Where backups lie: a directory, or a bucket of S3. Holds files by name; names sort by time. */
export interface BackupStore {
  /** For people: the directory, or URL without secrets. */
  readonly where: string;
  /**
   * Stores a local file under this name. Until it is whole the name is not in the list; the same name again replaces it.
   *
   * @throws {Error} when it is not stored; what was half there is taken away
   */
  put(name: string, file: LocalFile, options: TransferOptions): Promise<void>;
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

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (doneBytes: number) => void;
}
