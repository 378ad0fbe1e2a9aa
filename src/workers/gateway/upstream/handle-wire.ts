import { constants } from 'node:os';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ownerPlaceOf } from '../../../shared/net/handles.ts';
import type { Handles, StreamHandle, WriteRequest } from '../../../shared/net/handles.ts';
import type { Wire, WireOwner } from './wire.ts';

/** libuv's mark for the end of a stream; no errno of a system is like it. */
export const END_OF_FILE = -4095;
/** Unsent bytes from which `isFull` where writes wait for one another. */
const FULL_BYTES = 64 * 1024;
const { EPIPE, ECONNRESET } = constants.errno;

/** What a write that goes on after the call hangs on to until it is over. */
interface PendingWrite extends WriteRequest {
  wire?: HandleWire;
  /** libuv points into this. */
  data?: string | Uint8Array | readonly Uint8Array[];
}

/** The libuv stream of a TCP socket, or the one of a TLSSocket that speaks plain bytes; undefined where it looks otherwise. */
export function handleOf(socket: Socket): StreamHandle | undefined {
  const handle = (socket as unknown as { readonly _handle: Partial<StreamHandle> | null })._handle;
  const known = ['readStart', 'readStop', 'writeLatin1String', 'writeUtf8String', 'writeBuffer', 'writev'] as const;
  if (handle === null || !known.every((method) => typeof handle[method] === 'function')) return undefined;
  return handle as StreamHandle;
}

/** Takes the stream from under a TCP socket, which is good for nothing but `destroy` afterwards; undefined = it cannot be taken. */
export function takeHandle(socket: Socket): StreamHandle | undefined {
  const handle = socket instanceof TLSSocket ? undefined : handleOf(socket);
  const owner = handle === undefined ? undefined : ownerPlaceOf(handle);
  if (handle === undefined || owner === undefined) return undefined;
  (socket as unknown as { _handle: StreamHandle | null })._handle = null;
  (handle as unknown as Record<symbol, unknown>)[owner] = undefined;
  return handle;
}

/**
 * The stream under the socket, read and written as node:net itself does it. A read through node:net's `onread` and a write
 * through its Writable cost as much as the kernel does: together a tenth of the CPU of a small forwarded request.
 */
export class HandleWire implements Wire {
  readonly #socket: Socket;
  readonly #handle: StreamHandle;
  readonly #handles: Handles;
  readonly #owner: WireOwner;
  /**
   * A TLS stream takes a write only when the one before is over, and tells of that a loop turn later; another one aborts
   * the process. What is written meanwhile waits here.
   */
  readonly #waiting: Uint8Array[] | undefined;
  #waitingBytes = 0;
  /** Writes that the kernel has not taken whole. */
  #pending = 0;
  #failed = false;

  constructor(parts: { socket: Socket; handle: StreamHandle; handles: Handles }, owner: WireOwner) {
    this.#socket = parts.socket;
    this.#handle = parts.handle;
    this.#handles = parts.handles;
    this.#owner = owner;
    this.#waiting = parts.socket instanceof TLSSocket ? [] : undefined;
    parts.handle.onread = () => this.#onRead();
  }

  write(data: string | Uint8Array, encoding: 'latin1' | 'utf8'): void {
    if (this.#failed || this.#socket.destroyed) return;
    if (this.#mustWait(this.#waiting)) {
      this.#wait(this.#waiting, typeof data === 'string' ? Buffer.from(data, encoding) : data);
      return;
    }
    const request = this.#request();
    const handle = this.#handle;
    let status: number;
    if (typeof data !== 'string') status = handle.writeBuffer(request, data);
    else if (encoding === 'latin1') status = handle.writeLatin1String(request, data);
    else status = handle.writeUtf8String(request, data);
    this.#onWritten(status, request, data);
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    if (this.#failed || this.#socket.destroyed) return;
    if (this.#mustWait(this.#waiting)) {
      for (const piece of pieces) this.#wait(this.#waiting, piece);
      return;
    }
    const request = this.#request();
    this.#onWritten(this.#handle.writev(request, pieces, true), request, pieces);
  }

  get hasUnsent(): boolean {
    return this.#pending > 0;
  }

  get isFull(): boolean {
    return this.#waiting === undefined ? this.#pending > 0 : this.#waitingBytes >= FULL_BYTES;
  }

  pause(): void {
    if (!this.#socket.destroyed) this.#handle.readStop();
  }

  resume(): void {
    if (!this.#socket.destroyed) this.#handle.readStart();
  }

  #mustWait(waiting: Uint8Array[] | undefined): waiting is Uint8Array[] {
    return waiting !== undefined && this.#pending > 0;
  }

  #wait(waiting: Uint8Array[], data: Uint8Array): void {
    waiting.push(data);
    this.#waitingBytes += data.length;
  }

  #onRead(): void {
    const length = this.#handles.streamState[this.#handles.READ_BYTES_OR_ERROR] as number;
    if (length > 0) this.#owner.onBytes(length);
    else if (length === END_OF_FILE && !this.#isReset()) this.#owner.onEnd();
    else if (length < 0) this.#owner.onReadFailed();
  }

  /**
   * libuv makes an end of a reset that comes together with the last bytes: an answer that lasts up to the end would look
   * whole. The kernel still knows, and tells whoever writes, even nothing. With bytes that the other side has not taken
   * it is not asked, and the worse supposed.
   */
  #isReset(): boolean {
    if (this.#waiting !== undefined) return false; // TLS has an end of its own
    return this.#failed || this.#pending > 0 || this.#handle.writeLatin1String(this.#request(), '') !== 0;
  }

  /** A write that the kernel takes at once leaves no trace in its request: one serves them all. */
  #request(): PendingWrite {
    spare ??= new this.#handles.WriteRequest();
    return spare;
  }

  #onWritten(status: number, request: PendingWrite, data: PendingWrite['data']): void {
    if (status !== 0) {
      spare = undefined;
      this.#onFailed(status);
      return;
    }
    if (this.#handles.streamState[this.#handles.LAST_WRITE_WAS_ASYNC] === 0) return;
    spare = undefined;
    request.wire = this;
    if (data !== undefined) request.data = data;
    request.oncomplete = onWriteComplete;
    this.#pending++;
  }

  /** @param status 0, or a negated errno */
  completed(status: number): void {
    this.#pending--;
    if (this.#socket.destroyed || this.#failed) return;
    if (status < 0) this.#onFailed(status);
    else if (this.#waitingBytes > 0) this.#writeWaiting(this.#waiting as Uint8Array[]);
    else if (this.#pending === 0) this.#owner.onDrain();
  }

  #writeWaiting(waiting: Uint8Array[]): void {
    const pieces = waiting.splice(0);
    this.#waitingBytes = 0;
    this.writeAll(pieces);
  }

  #onFailed(status: number): void {
    this.#failed = true;
    this.#owner.onWriteFailed();
    // A peer that has closed or reset may have answered before: what it sent is still to be read, and its end with it.
    if (status !== -EPIPE && status !== -ECONNRESET) this.#socket.destroy(new Error(`write failed (errno ${-status})`));
  }
}

let spare: PendingWrite | undefined;

function onWriteComplete(this: PendingWrite, status: number): void {
  this.wire?.completed(status);
}
