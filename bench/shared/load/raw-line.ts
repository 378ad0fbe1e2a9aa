import { connect } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { nodeHandles } from '../../../src/shared/net/handles.ts';
import type { StreamHandle, WriteRequest } from '../../../src/shared/net/handles.ts';

export interface LineOwner {
  onOpen(): void;
  /** The first `length` bytes, which the next read of any line overwrites. */
  onBytes(bytes: Buffer, length: number): void;
  /** Once, whoever ended it; nothing follows. */
  onGone(why: string): void;
}

/** Holds on to what libuv points into until the write is over. */
interface HeldWrite extends WriteRequest {
  bytes?: Uint8Array;
}

/** All lines of the process read into it, and use up what came at once. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);
const handles = nodeHandles();
let spare: HeldWrite | undefined;

/**
 * A client's TCP connection that costs little more than its system calls: read and written through the handle under the
 * socket where this Node has the one we know, because what is spent here is lost to the load. Else by node:net.
 */
export class RawLine {
  readonly #socket: Socket;
  readonly #owner: LineOwner;
  #handle: StreamHandle | undefined;
  #isGone = false;

  constructor(target: TcpNetConnectOpts, owner: LineOwner) {
    this.#owner = owner;
    const callback = (length: number): boolean => {
      owner.onBytes(readBuffer, length);
      return true;
    };
    this.#socket = connect({ ...target, noDelay: true, onread: { buffer: readBuffer, callback } });
    this.#socket.once('connect', () => {
      this.#takeHandle();
      owner.onOpen();
    });
    this.#socket.on('error', (error) => this.#lost(error.message));
    this.#socket.once('close', () => this.#lost('closed by the server'));
  }

  get isOpen(): boolean {
    return !this.#isGone && !this.#socket.connecting;
  }

  /** They must not be changed any more. */
  write(bytes: Uint8Array): void {
    if (this.#isGone) return;
    if (this.#handle === undefined || handles === undefined) {
      this.#socket.write(bytes);
      return;
    }
    // A write that the kernel takes at once leaves no trace in its request: one serves all.
    const request: HeldWrite = (spare ??= new handles.WriteRequest());
    const status = this.#handle.writeBuffer(request, bytes);
    if (status !== 0) {
      spare = undefined;
      this.#lost(`write failed (errno ${-status})`);
    } else if (handles.streamState[handles.LAST_WRITE_WAS_ASYNC] !== 0) {
      spare = undefined;
      request.bytes = bytes;
      request.oncomplete = () => {}; // who cannot be written to cannot be read for long
    }
  }

  /** Its owner hears nothing more. */
  destroy(): void {
    this.#isGone = true;
    this.#socket.destroy();
  }

  #takeHandle(): void {
    const { _handle: handle } = this.#socket as unknown as { readonly _handle: StreamHandle | null };
    if (handles === undefined || typeof handle?.writeBuffer !== 'function') return;
    this.#handle = handle;
    const { streamState, READ_BYTES_OR_ERROR } = handles;
    handle.onread = () => {
      const length = streamState[READ_BYTES_OR_ERROR] as number;
      if (this.#isGone || length === 0) return;
      if (length > 0) this.#owner.onBytes(readBuffer, length);
      else this.#lost('closed by the server');
    };
  }

  #lost(why: string): void {
    if (this.#isGone) return;
    this.destroy();
    this.#owner.onGone(why);
  }
}
