import type { Handles, StreamHandle } from '../../../shared/net/handles.ts';
import type { DeadlineList, Deadlines, Waiting } from '../deadlines.ts';
import { OutputTools, StreamOutput } from '../stream-output.ts';
import type { EndListener, TunnelEnd } from '../websocket/tunnel-end.ts';
import { END_OF_FILE } from './handle-wire.ts';
import { readBuffer } from './read-buffer.ts';

/** How long the other side may take to close after we have said our last. */
export const LINGER_MS = 2_000;

/** Of all ends of this thread. */
let sharedTools: OutputTools | undefined;

/**
 * An upstream's end of a tunnel on the libuv stream alone. A tunnel is idle for days, and what node:net has around that
 * stream (two streams' states, listeners) takes more memory than everything we keep of it.
 */
export class HandleEnd extends StreamOutput implements TunnelEnd, Waiting {
  readonly tools: OutputTools;
  readonly #deadlines: Deadlines;
  #listener: EndListener | undefined = undefined;
  #finishing = false;
  /** It sends no more. */
  #ended = false;
  #closed = false;

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  /** @param handle connected, reading into the thread's buffer, and nobody else's */
  constructor(handle: StreamHandle, parts: { readonly handles: Handles; readonly deadlines: Deadlines }) {
    super(handle);
    sharedTools ??= new OutputTools(parts.handles);
    this.tools = sharedTools;
    this.#deadlines = parts.deadlines;
    handle.onread = () => this.#onRead();
  }

  begin(listener: EndListener): void {
    this.#listener = listener;
  }

  #onRead(): void {
    const { streamState, READ_BYTES_OR_ERROR } = this.tools.handles;
    const length = streamState[READ_BYTES_OR_ERROR] as number;
    if (length > 0) this.onBytes(0, length);
    else if (length === END_OF_FILE) this.#onEnd();
    else if (length < 0) this.#gone();
  }

  /** Bytes [from, to) of the read buffer have come. */
  onBytes(from: number, to: number): void {
    this.#listener?.onBytes(readBuffer, from, to);
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.#listener !== undefined) this.#listener.onEnd();
    else if (this.pendingWrites === 0) this.#close();
  }

  #gone(): void {
    const listener = this.#listener;
    this.#close();
    listener?.onGone();
  }

  pass(piece: Parameters<TunnelEnd['pass']>[0], soon: boolean): void {
    if (this.#listener !== undefined) this.writeSome(piece, soon);
  }

  say(frame: string): void {
    if (this.#listener !== undefined) this.write(frame);
  }

  protected flushSoon(): void {
    setImmediate(() => {
      if (!this.#closed) this.flush();
    });
  }

  protected onDrained(): void {
    if (this.#finishing) this.#endWriting();
    else this.#listener?.onDrained();
  }

  /** What has come before can still be read, and then the end; there is nobody to read it for once it is finished. */
  protected onWriteFailed(): void {
    if (this.#finishing) this.#close();
  }

  protected get writesOneByOne(): boolean {
    return false;
  }

  get isBlocked(): boolean {
    return this.pendingWrites > 0;
  }

  get bringsPieces(): boolean {
    return false;
  }

  pauseReading(): void {
    if (!this.#closed) this.handle.readStop();
  }

  resumeReading(): void {
    if (!this.#closed) this.handle.readStart();
  }

  /** The other side closes first, as a server does (RFC 6455, section 7.1.1), or is not waited for any longer. */
  finish(): void {
    if (this.#listener === undefined) return;
    this.flush();
    this.#listener = undefined;
    if (this.#closed) return;
    this.#finishing = true;
    this.#deadlines.arm(this, LINGER_MS);
    if (!this.#ended) this.handle.readStart(); // its end has to be read
    if (this.pendingWrites === 0) this.#endWriting();
  }

  #endWriting(): void {
    if (this.#ended) this.#close();
    else if (this.handle.shutdown(new this.tools.handles.ShutdownRequest()) !== 0) this.#close();
  }

  /** It has lingered for long enough. */
  onDeadline(): void {
    this.#close();
  }

  abandon(): void {
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener = undefined;
    this.#deadlines.disarm(this);
    this.handle.onread = ignore;
    this.handle.close();
  }
}

function ignore(): void {}
