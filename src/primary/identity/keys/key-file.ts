import { constants } from 'node:fs';
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isKeyHash, parseKeyRecord, rankOf } from '../../../shared/identity/key-record.ts';
import type { KeyRecord, StoredKey } from '../../../shared/identity/key-record.ts';
import { KeyIndex } from './key-index.ts';

/** Longest line; who makes a record sees to it. */
export const LONGEST_RECORD_BYTES = 4_096;
const READ_BYTES = 256 * 1024;
/** A file with this much of what no longer holds is written anew at the next start, if that is most of it. */
const WASTE_BYTES = 1 << 20;
const NEWLINE = 0x0a;
const HASH_LENGTH = 64;

/**
 * This node's copy of all API keys, revoked ones included: one line a record, appended and brought to the disk before it
 * counts; of several lines of a key the one of the highest rank holds. Several processes may share the file: each reads
 * what others have added before it says that something is not there. In memory is only where each record lies.
 */
export class KeyFile {
  readonly path: string;
  #file: FileHandle;
  #inode: number;
  #index = new KeyIndex();
  /** Up to here lines are in the index. */
  #readTo = 0;
  #working: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle, inode: number) {
    this.path = path;
    this.#file = file;
    this.#inode = inode;
  }

  /** Makes the file if there is none. Rejects where it cannot be written. */
  static async open(path: string): Promise<KeyFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await openForAppend(path);
    const opened = new KeyFile(path, file, (await file.stat()).ino);
    try {
      await opened.#endTornLine();
      await opened.#catchUp();
      await opened.#compact();
    } catch (error) {
      await file.close();
      throw error;
    }
    return opened;
  }

  /** Keys of which there is a record, as far as the file has been read. */
  get size(): number {
    return this.#index.size;
  }

  /** @returns 0 = no record of the key has been read */
  rankOf(hash: string): number {
    return this.#index.rankOf(hash);
  }

  /** What holds of a key, with what other processes have written. */
  async find(hash: string): Promise<KeyRecord | undefined> {
    const stored = await this.byId(hash);
    return stored?.hash === hash ? stored.record : undefined;
  }

  /** The same by the first 16 digits of its hash, or more. */
  byId(id: string): Promise<StoredKey | undefined> {
    return this.#inTurn(async () => {
      await this.#catchUp();
      const offset = this.#index.offsetOf(id);
      return offset < 0 ? undefined : parseLine(await this.#lineAt(offset));
    });
  }

  /** Adds those that are newer than what is there. They are on the disk when it resolves. @returns those added */
  add(keys: readonly StoredKey[]): Promise<readonly StoredKey[]> {
    return this.#inTurn(async () => {
      await this.#catchUp();
      const newer = keys.filter(({ hash, record }) => rankOf(record) > this.#index.rankOf(hash));
      if (newer.length === 0) return newer;
      await this.#file.appendFile(newer.map(lineOf).join(''));
      await this.#file.datasync();
      await this.#catchUp();
      return newer;
    });
  }

  /** What holds of every key, some hundred at a time. Those added meanwhile may be missing. */
  async *all(): AsyncGenerator<readonly StoredKey[]> {
    await this.#inTurn(() => this.#catchUp());
    const offsets = this.#index.offsets();
    const newest = new Set<number>();
    for (let from = 0; from < offsets.length; from += AT_ONCE) {
      newest.clear();
      const some = offsets.subarray(from, from + AT_ONCE);
      for (const offset of some) newest.add(offset);
      const start = some[0] as number;
      const end = (some.at(-1) as number) + LONGEST_RECORD_BYTES;
      const found: StoredKey[] = [];
      for await (const { offset, line } of linesOf(this.#file, start, end)) {
        const stored = newest.has(offset) ? parseLine(line) : undefined;
        if (stored !== undefined) found.push(stored);
      }
      yield found;
    }
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#file.close());
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#working.then(work);
    this.#working = mine.catch(() => undefined);
    return mine;
  }

  /** A process that was killed, or a full disk, may have left half a line: what follows must not become part of it. */
  async #endTornLine(): Promise<void> {
    const { size } = await this.#file.stat();
    if (size === 0) return;
    const last = Buffer.alloc(1);
    await this.#file.read(last, 0, 1, size - 1);
    if (last[0] !== NEWLINE) await this.#file.appendFile('\n');
  }

  /** Reads what was added since, by whomever; all of it where another process has put a new file in its place. */
  async #catchUp(): Promise<void> {
    const there = await stat(this.path).catch(() => undefined);
    if (there === undefined || there.ino !== this.#inode) await this.#reopen();
    const { size } = await this.#file.stat();
    if (size < this.#readTo) {
      this.#index = new KeyIndex();
      this.#readTo = 0;
    }
    if (size === this.#readTo) return;
    for await (const { offset, line, end } of linesOf(this.#file, this.#readTo, size)) {
      this.#readTo = end;
      const stored = parseLine(line);
      if (stored === undefined) continue;
      const rank = rankOf(stored.record);
      if (rank > this.#index.rankOf(stored.hash)) this.#index.set(stored.hash, { offset, rank });
    }
  }

  async #reopen(): Promise<void> {
    const file = await openForAppend(this.path);
    await this.#file.close();
    this.#file = file;
    this.#inode = (await file.stat()).ino;
    this.#index = new KeyIndex();
    this.#readTo = 0;
  }

  async #lineAt(offset: number): Promise<string> {
    const bytes = Buffer.alloc(LONGEST_RECORD_BYTES);
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, offset);
    const end = bytes.subarray(0, bytesRead).indexOf(NEWLINE);
    return bytes.toString('utf8', 0, end < 0 ? bytesRead : end);
  }

  async #compact(): Promise<void> {
    const { size } = await this.#file.stat();
    const holds = this.#index.size * AVERAGE_BYTES;
    if (size < WASTE_BYTES || size < holds * 2) return;
    const temporary = `${this.path}.${process.pid}.new`;
    const file = await open(temporary, 'wx', 0o600);
    try {
      for await (const keys of this.all()) await file.appendFile(keys.map(lineOf).join(''));
      await file.datasync();
      await file.close();
      await rename(temporary, this.path);
    } catch (error) {
      await file.close().catch(() => undefined);
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await this.#catchUp();
  }
}

const AT_ONCE = 500;
/** Of a record, about. */
const AVERAGE_BYTES = 250;

const openForAppend = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);

const lineOf = ({ hash, record }: StoredKey): string => `${hash} ${JSON.stringify(record)}\n`;

/** What is no record, by half a write or by hand, is passed over. */
function parseLine(line: string): StoredKey | undefined {
  const hash = line.slice(0, HASH_LENGTH);
  if (!isKeyHash(hash) || line[HASH_LENGTH] !== ' ') return undefined;
  const record = parseKeyRecord(line.slice(HASH_LENGTH + 1));
  return record === undefined ? undefined : { hash, record };
}

interface Line {
  /** Of its first byte, and of the byte behind its end. */
  readonly offset: number;
  readonly end: number;
  readonly line: string;
}

/** Whole lines that begin in [from, to). */
async function* linesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let at = from;
  while (at < to) {
    const bytes = Buffer.alloc(READ_BYTES);
    const { bytesRead } = await file.read(bytes, 0, Math.min(READ_BYTES, to - at), at);
    if (bytesRead === 0) return;
    const chunk = Buffer.concat([rest, bytes.subarray(0, bytesRead)]);
    const start = at - rest.length;
    at += bytesRead;
    let lineStart = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, lineStart)) {
      yield { offset: start + lineStart, end: start + end + 1, line: chunk.toString('utf8', lineStart, end) };
      lineStart = end + 1;
    }
    rest = chunk.subarray(lineStart);
  }
}
