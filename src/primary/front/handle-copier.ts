import type { Handles, TcpHandle } from '../../shared/net/handles.ts';
import { proofOf } from '../../shared/threads/hand-over.ts';
import type { Line, ThreadLines } from './thread-lines.ts';

/** In place of a thread's slot: the front's own end. */
export const OWN_SLOT = -1;

/**
 * Makes a second descriptor of a socket, by sending it to ourselves: the only way there is without native code. For the
 * listening socket, which must be closed to stop accepting, and would lose its backlog if it were the only one.
 */
export class HandleCopier {
  readonly #waiting: ((copy: TcpHandle | undefined) => void)[] = [];
  readonly #pipe;
  #line: Line | undefined;
  #closed = false;

  constructor(handles: Handles, lines: ThreadLines) {
    const pipe = new handles.Pipe(handles.PIPE_IPC);
    this.#pipe = pipe;
    const connecting = new handles.PipeConnectRequest();
    const proof = proofOf(OWN_SLOT, lines.expect(OWN_SLOT));
    connecting.oncomplete = (status) => {
      if (status < 0 || this.#closed) return;
      pipe.onread = () => {
        const copy = pipe.pendingHandle ?? undefined;
        pipe.pendingHandle = null;
        if (copy !== undefined) this.#settle(copy);
      };
      pipe.readStart();
      pipe.unref();
      pipe.writeLatin1String(new handles.WriteRequest(), proof);
    };
    pipe.connect(connecting, lines.name);
  }

  /** The other end has been accepted. */
  opened(line: Line): void {
    this.#line = line;
  }

  /** @returns `undefined` when it cannot be made now: no descriptor is free, or nothing is connected yet */
  copy(handle: TcpHandle): Promise<TcpHandle | undefined> {
    const line = this.#line;
    if (line === undefined || this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      line.send('.', handle, (status) => {
        if (status < 0) this.#settle(undefined);
      });
    });
  }

  close(): void {
    this.#closed = true;
    this.#pipe.close();
    this.#line?.close();
    while (this.#waiting.length > 0) this.#settle(undefined);
  }

  #settle(copy: TcpHandle | undefined): void {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) copy?.close();
    else resolve(copy);
  }
}
