import type { Handles, StreamHandle, WriteRequest } from '../../shared/net/handles.ts';
import { latin1 } from './upstream/http-bytes.ts';

/** Up to this a head and a body go out as one string: libuv copies it to its stack and tries at once. */
export const MOST_TEXT_BYTES = 12 * 1024;

/** A piece of a body (one read of an upstream), its head, and what frames it. */
const COPY_BYTES = 64 * 1024 + 20 * 1024;
/** Copies that no write uses. More than a few are only there after a burst of slow clients. */
const MOST_SPARE_COPIES = 8;

/** A write that did not finish at once: it belongs to libuv until it has. */
interface PendingWrite extends WriteRequest {
  output?: StreamOutput | undefined;
  /** Keeps the bytes alive and unchanged meanwhile. */
  copy?: Buffer | undefined;
}

/** Bytes of a read buffer, and what goes before them (one char a byte). */
interface Piece {
  readonly before: string;
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** What is needed of Node's handles to read and write streams. */
export type StreamTools = Pick<
  Handles,
  'WriteRequest' | 'ShutdownRequest' | 'streamState' | 'LAST_WRITE_WAS_ASYNC' | 'READ_BYTES_OR_ERROR'
>;

/** What the writes of a thread share. */
export class OutputTools {
  readonly handles: StreamTools;
  /** A write that the kernel takes at once leaves no trace in its request: one serves them all. */
  request: PendingWrite;
  readonly #copies: Buffer[] = [];

  constructor(handles: StreamTools) {
    this.handles = handles;
    this.request = new handles.WriteRequest();
  }

  takeCopy(): Buffer {
    return this.#copies.pop() ?? Buffer.allocUnsafeSlow(COPY_BYTES);
  }

  giveBack(copy: Buffer): void {
    if (this.#copies.length < MOST_SPARE_COPIES) this.#copies.push(copy);
  }
}

function onWritten(this: PendingWrite, status: number): void {
  const { output, copy } = this;
  this.copy = undefined;
  this.output = undefined;
  output?.onWriteOver(status, copy);
}

/**
 * The writing half of a connection, on the stream under it. **Nothing that lies in the thread's shared read
 * buffer may be given to libuv**, which keeps the pointer when a write does not finish at once: strings are copied by it,
 * longer pieces by us into memory that is the write's own.
 */
export abstract class StreamOutput {
  readonly handle: StreamHandle;
  /** Writes that the kernel has not taken whole. */
  pendingWrites = 0;
  /** What waits to leave in one write with what follows; see `flush`. */
  #corked = '';

  constructor(handle: StreamHandle) {
    this.handle = handle;
  }

  abstract get tools(): OutputTools;

  /** The last pending write is over: there is room again. */
  protected abstract onDrained(): void;
  /** It cannot be written to any more. */
  protected abstract onWriteFailed(): void;
  /** The stream takes no second write before the first is over: in TLS of Node that would end the process. */
  protected abstract get writesOneByOne(): boolean;

  /** What is said now goes out behind the write that is under way. */
  get #mustWait(): boolean {
    return this.pendingWrites > 0 && this.writesOneByOne;
  }

  /** Text of one char a byte that leaves with the next write, or with flush(). */
  protected cork(text: string): void {
    this.#corked += text;
  }

  protected get corkedBytes(): number {
    return this.#corked.length;
  }

  protected flush(): void {
    if (this.#corked !== '') this.write('');
  }

  /** Writes text of one char a byte. */
  protected write(text: string): void {
    const { handle, tools } = this;
    let all = text;
    if (this.#corked !== '') {
      all = this.#corked + text;
      this.#corked = '';
    }
    if (this.#mustWait) this.#corked = all;
    else this.#written(handle.writeLatin1String(tools.request, all), undefined);
  }

  /** More may come in this turn of the loop: `flush` is to be called at its end. */
  protected abstract flushSoon(): void;

  /** Writes `before` and bytes [from, to) of a read buffer. @param soon with what else comes in this turn of the loop */
  protected writeSome({ before, bytes, from, to }: Piece, soon: boolean): void {
    const length = before.length + to - from;
    if (this.#corked.length + length > MOST_TEXT_BYTES) {
      this.writePiece(before, bytes.subarray(from, to), '');
      return;
    }
    const text = before + latin1(bytes, from, to);
    if (!soon) {
      this.write(text);
      return;
    }
    if (this.#corked === '') this.flushSoon();
    this.#corked += text;
  }

  /** Writes `before`, a piece of the read buffer, and `after` in one write. */
  protected writePiece(before: string, piece: Buffer, after: string): void {
    const { handle, tools } = this;
    let head = this.#corked + before;
    this.#corked = '';
    if (!this.#mustWait && head.length + piece.length + after.length > COPY_BYTES) {
      this.#written(handle.writeLatin1String(tools.request, head), undefined);
      head = '';
    }
    if (this.#mustWait) {
      this.#corked = head + latin1(piece, 0, piece.length) + after;
      return;
    }
    const copy = tools.takeCopy();
    let at = head === '' ? 0 : copy.write(head, 0, 'latin1');
    copy.set(piece, at);
    at += piece.length;
    if (after !== '') at += copy.write(after, at, 'latin1');
    this.#written(handle.writeBuffer(tools.request, copy.subarray(0, at)), copy);
  }

  #written(status: number, copy: Buffer | undefined): void {
    const { tools } = this;
    const { streamState, LAST_WRITE_WAS_ASYNC } = tools.handles;
    if (status !== 0) {
      if (copy !== undefined) tools.giveBack(copy);
      this.onWriteFailed();
    } else if (streamState[LAST_WRITE_WAS_ASYNC] === 0) {
      if (copy !== undefined) tools.giveBack(copy);
    } else {
      const pending = tools.request;
      pending.output = this;
      pending.copy = copy;
      pending.oncomplete = onWritten;
      tools.request = new tools.handles.WriteRequest();
      this.pendingWrites++;
    }
  }

  /** Called by libuv. */
  onWriteOver(status: number, copy: Buffer | undefined): void {
    if (copy !== undefined) this.tools.giveBack(copy);
    this.pendingWrites--;
    if (status < 0) {
      this.onWriteFailed();
      return;
    }
    if (this.pendingWrites === 0) this.flush();
    if (this.pendingWrites === 0) this.onDrained();
  }
}
