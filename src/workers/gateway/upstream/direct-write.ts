import type { Socket } from 'node:net';

/**
 * A write to a socket costs as much in node:net's Writable, its write request and the nextTick for its callback as in the
 * kernel: about 8 % of the CPU of a small forwarded request. Requests that go out in one piece are therefore handed to
 * the stream under the socket, as node:net itself would do it. These parts are internal to Node: they are looked for
 * once, and where one is missing everything goes through the socket.
 */

/** The libuv stream under a socket. Writes return 0 or a negated errno; they stay in order with those of the socket. */
interface StreamHandle {
  writeLatin1String(request: WriteRequest, text: string): number;
  writeBuffer(request: WriteRequest, data: Uint8Array): number;
}

interface WriteRequest {
  /** Called when a write that the kernel did not take at once is over; status below 0 is a negated errno. */
  oncomplete?: (status: number) => void;
  /** Keeps the bytes alive meanwhile. */
  data?: Uint8Array | string;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last write did, in the places that the constants name. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

function findBinding(): StreamBinding | undefined {
  try {
    const { binding } = process as unknown as { binding?: (name: string) => Partial<StreamBinding> };
    const found = binding?.('stream_wrap');
    const complete =
      typeof found?.WriteWrap === 'function' &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kLastWriteWasAsync === 'number';
    return complete ? (found as StreamBinding) : undefined;
  } catch {
    return undefined; // this Node does not show it
  }
}

const BINDING = findBinding();

/** Whether this Node lets the gateway write directly; told in tests, so that losing it is noticed. */
export const canWriteDirectly = BINDING !== undefined;

/** Who writes: it is told how many of its writes the kernel has not taken whole yet. */
export interface DirectWriter {
  readonly socket: Socket;
  pendingWrites: number;
}

/** A write that the kernel takes at once leaves no trace in its request: one serves them all. */
let request: WriteRequest | undefined;

/**
 * Writes one piece to a connected TCP socket (not TLS). An error destroys the socket, which says so by its events.
 * @param data latin-1 if a string; a buffer must not change until the socket has closed or the next answer has come
 */
export function writeDirectly(writer: DirectWriter, data: string | Uint8Array): void {
  const { socket } = writer;
  const handle = (socket as unknown as { readonly _handle: Partial<StreamHandle> | null })._handle;
  const isText = typeof data === 'string';
  const known = isText ? typeof handle?.writeLatin1String : typeof handle?.writeBuffer;
  // What the socket still holds must go first.
  if (BINDING === undefined || handle === null || known !== 'function' || socket.writableLength > 0) {
    if (isText) socket.write(data, 'latin1');
    else socket.write(data);
    return;
  }
  const stream = handle as StreamHandle;
  request ??= new BINDING.WriteWrap();
  const current = request;
  const status = isText ? stream.writeLatin1String(current, data) : stream.writeBuffer(current, data);
  if (status !== 0) {
    socket.destroy(writeError(status));
    return;
  }
  if (BINDING.streamBaseState[BINDING.kLastWriteWasAsync] === 0) return;
  request = undefined;
  current.data = data;
  writer.pendingWrites++;
  current.oncomplete = (result) => {
    writer.pendingWrites--;
    if (result < 0 && !socket.destroyed) socket.destroy(writeError(result));
  };
}

const writeError = (status: number): Error => new Error(`write failed (errno ${-status})`);
