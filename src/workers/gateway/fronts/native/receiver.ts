import { monotonicMs } from '../../../../shared/clock.ts';
import type { Handles, TcpHandle } from '../../../../shared/net/handles.ts';
import type { ThreadConnections } from '../../../../shared/threads/connection-table.ts';
import { ACCEPTED, proofOf } from '../../../../shared/threads/hand-over.ts';
import type { ThreadFront } from '../../../../shared/threads/protocol.ts';

/** Whose connection it is, as the front saw it. */
export interface Peer {
  /** Row in the connection table; -1 where the thread accepts by itself. */
  readonly index: number;
  /** Canonical text (net/address.ts). */
  readonly address: string;
  readonly port: number;
}

export interface ReceiverOptions {
  readonly handles: Handles;
  readonly front: ThreadFront & { readonly kind: 'native' };
  readonly slot: number;
  /** Of this thread. Rows are taken here; whoever gets the socket marks and releases them. */
  readonly rows: ThreadConnections;
  /**
   * A client has connected; the handle is not read yet. Two descriptors may exist of the socket for some milliseconds,
   * so `handle.close()` alone sends no FIN: call `shutdown` first.
   */
  readonly onSocket: (handle: TcpHandle, peer: Peer) => void;
  /** The front's end has gone: no socket will come any more, and this thread should say `failed`. */
  readonly onLost: () => void;
}

export interface Receiver {
  /**
   * Out of the ring (`drain`): takes what was sent before, then closes. To be called again and again, as on a tick.
   * @returns whether nothing can come any more
   */
  finish(): boolean;
  /** Takes no more. What is on its way goes to another thread once this one has ended. Idempotent. */
  close(): void;
}

/** One read brings one socket: Linux never merges messages that carry descriptors. A message has some 60 bytes. */
const BUFFER_BYTES = 4_096;
/** Addresses that are remembered, so that the connections of one share its text. */
const MOST_ADDRESSES = 1_000;

/**
 * Connects to the front, and resolves when the front knows this thread, which may say `listening` then. Rejects when it
 * cannot.
 */
export function openReceiver(options: ReceiverOptions): Promise<Receiver> {
  return new Promise((resolve, reject) => {
    const receiver = new PipeReceiver(options, {
      ready: () => resolve(receiver),
      failed: (why) => reject(new Error(`this thread cannot get connections from the front: ${why}`)),
    });
  });
}

class PipeReceiver implements Receiver {
  readonly #options: ReceiverOptions;
  readonly #pipe;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  readonly #start: { ready(): void; failed(why: string): void };
  #ready = false;
  #closed = false;
  #received = 0;
  readonly #addresses = new Map<string, string>();

  constructor(options: ReceiverOptions, start: { ready(): void; failed(why: string): void }) {
    this.#options = options;
    this.#start = start;
    const { handles, front } = options;
    const pipe = new handles.Pipe(handles.PIPE_IPC);
    this.#pipe = pipe;
    const connecting = new handles.PipeConnectRequest();
    connecting.oncomplete = (status) => this.#onConnected(status);
    const status = pipe.connect(connecting, front.pipe);
    if (typeof status === 'number' && status < 0) this.#fail(`connecting: ${status}`);
  }

  finish(): boolean {
    if (this.#received === this.#options.rows.sent()) this.close();
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pipe.close();
  }

  #onConnected(status: number): void {
    const { handles, front, slot } = this.#options;
    if (status < 0) return this.#fail(`connecting: ${status}`);
    const pipe = this.#pipe;
    pipe.useUserBuffer(this.#buffer);
    pipe.onread = () => this.#onRead(handles.streamState[handles.READ_BYTES_OR_ERROR] ?? 0);
    pipe.readStart();
    pipe.writeLatin1String(new handles.WriteRequest(), proofOf(slot, front.secret));
  }

  #onRead(length: number): void {
    const handle = this.#pipe.pendingHandle ?? undefined;
    this.#pipe.pendingHandle = null;
    if (this.#closed) {
      handle?.close();
      return;
    }
    if (length < 0) return this.#fail(`reading: ${length}`);
    let next = handle;
    for (const line of this.#buffer.toString('latin1', 0, length).split('\n')) {
      if (line === ACCEPTED) this.#onAccepted();
      else if (line !== '') {
        this.#onMessage(line, next);
        next = undefined;
      }
    }
    next?.close();
  }

  #onAccepted(): void {
    this.#ready = true;
    this.#start.ready();
  }

  #onMessage(line: string, handle: TcpHandle | undefined): void {
    const { rows, onSocket } = this.#options;
    const [index = '', address = '', port = ''] = line.split(' ');
    const row = Number(index);
    this.#received++;
    if (handle === undefined) return rows.miss(row);
    // Not taken: it is another thread's, which has a descriptor of its own.
    if (!rows.take(row, monotonicMs())) return handle.close();
    onSocket(handle, { index: row, address: this.#shared(address), port: Number(port) });
  }

  #shared(address: string): string {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    if (this.#addresses.size === MOST_ADDRESSES) this.#addresses.clear();
    this.#addresses.set(address, address);
    return address;
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.close();
    if (this.#ready) this.#options.onLost();
    else this.#start.failed(why);
  }
}
