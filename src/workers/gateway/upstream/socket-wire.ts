import type { Socket } from 'node:net';
import type { Wire, WireOwner } from './wire.ts';

/** The public way, through node:net's streams. The socket's `onread` callback brings what is read. */
export class SocketWire implements Wire {
  readonly #socket: Socket;

  constructor(socket: Socket, owner: WireOwner) {
    this.#socket = socket;
    socket.on('end', () => owner.onEnd());
    socket.on('drain', () => owner.onDrain());
  }

  write(data: string | Uint8Array, encoding: 'latin1' | 'utf8'): void {
    this.#socket.write(data, encoding);
  }

  writeAll(pieces: readonly Uint8Array[]): void {
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }

  get hasUnsent(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Below its high-water mark the stream sends no `drain`. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
