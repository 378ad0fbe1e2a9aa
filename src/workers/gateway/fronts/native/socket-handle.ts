import type { Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import type { ShutdownRequest, StreamHandle, WriteRequest } from '../../../../shared/net/handles.ts';
import type { StreamTools } from '../../stream-output.ts';

/**
 * The public way: a net.Socket in the form of the handle that it hides, where Node's own cannot be had. Everything above
 * it is the same code on both ways.
 */

const UV_EOF = -4095;
const FAILED = -1;

const nothing = (): void => undefined;

const errnoOf = new Map([...getSystemErrorMap()].map(([errno, [code]]) => [code, errno]));

class PlainRequest implements WriteRequest, ShutdownRequest {
  oncomplete: ((status: number) => void) | undefined = undefined;
}

/** In place of Node's own: what the last read or write of any of these handles did. */
export const SOCKET_TOOLS: StreamTools = {
  WriteRequest: PlainRequest,
  ShutdownRequest: PlainRequest,
  streamState: new Int32Array(2),
  READ_BYTES_OR_ERROR: 0,
  LAST_WRITE_WAS_ASYNC: 1,
};

export class SocketHandle implements StreamHandle {
  readonly fd = FAILED;
  onread: (bytes: ArrayBuffer | undefined) => void = nothing;
  readonly socket: Socket;
  #listens = false;
  #buffer: Uint8Array = new Uint8Array(0);

  /** @param socket paused, with allowHalfOpen */
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#tell(errnoOf.get(error.code ?? '') ?? FAILED));
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#buffer = buffer;
  }

  readStart(): number {
    if (!this.#listens) {
      this.#listens = true;
      this.socket.on('data', (data: Buffer) => this.#onData(data));
      this.socket.on('end', () => this.#tell(UV_EOF));
    }
    this.socket.resume();
    return 0;
  }

  readStop(): number {
    this.socket.pause();
    return 0;
  }

  writeLatin1String(request: WriteRequest, text: string): number {
    return this.#write(request, Buffer.from(text, 'latin1'));
  }

  writeUtf8String(request: WriteRequest, text: string): number {
    return this.#write(request, Buffer.from(text, 'utf8'));
  }

  writeBuffer(request: WriteRequest, bytes: Uint8Array): number {
    return this.#write(request, bytes);
  }

  writev(request: WriteRequest, chunks: readonly Uint8Array[]): number {
    return this.#write(request, Buffer.concat(chunks));
  }

  get writeQueueSize(): number {
    return this.socket.writableLength;
  }

  shutdown(request: ShutdownRequest): number {
    if (this.socket.destroyed) return FAILED;
    this.socket.end(() => request.oncomplete?.(0));
    return 0;
  }

  close(callback?: () => void): void {
    if (callback !== undefined) this.socket.once('close', callback);
    this.socket.destroy();
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  #write(request: WriteRequest, bytes: Uint8Array): number {
    const socket = this.socket;
    if (!socket.writable) return FAILED;
    // The bytes are read until the callback, so every write counts as one that goes on.
    socket.write(bytes, (error) => request.oncomplete?.(error ? FAILED : 0));
    SOCKET_TOOLS.streamState[SOCKET_TOOLS.LAST_WRITE_WAS_ASYNC] = 1;
    return 0;
  }

  #onData(data: Buffer): void {
    for (let at = 0; at < data.length; at += this.#buffer.length) {
      const piece = data.subarray(at, at + this.#buffer.length);
      this.#buffer.set(piece);
      this.#tell(piece.length);
    }
  }

  #tell(result: number): void {
    SOCKET_TOOLS.streamState[SOCKET_TOOLS.READ_BYTES_OR_ERROR] = result;
    this.onread(undefined);
  }
}
