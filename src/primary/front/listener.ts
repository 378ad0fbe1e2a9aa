import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Handles, SocketName, TcpHandle } from '../../shared/net/handles.ts';

/** Connections the kernel keeps while we are busy; it lowers this to net.core.somaxconn. */
const BACKLOG = 4_096;
/** Between two attempts to make the spare copy. */
const COPY_AGAIN_MS = 100;

export interface ListenerOptions {
  readonly handles: Handles;
  /** @see HandleCopier */
  readonly copy: (handle: TcpHandle) => Promise<TcpHandle | undefined>;
  readonly onConnection: (status: number, client: TcpHandle | undefined) => void;
}

const failure = (status: number, what: string): Error => {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${what}: ${code}`), { code });
};

/**
 * The listening socket. It can be paused: what connects then waits in the kernel. A handle that listens cannot stop
 * polling but by being closed, so there is always a second one of the same socket, which does not poll.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #active: TcpHandle | undefined;
  #spare: TcpHandle | undefined;
  #paused = false;
  #closed = false;
  #copying = false;
  #again: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /**
   * @param port 0 = a free one
   * @returns the port. Rejects with an error that has a `code`, as net.Server's.
   */
  async listen(host: string, port: number): Promise<number> {
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    const { Tcp, TCP_SERVER } = this.#options.handles;
    const handle = new Tcp(TCP_SERVER);
    const bound = isIP(address) === 6 ? handle.bind6(address, port, 0) : handle.bind(address, port);
    return this.#start(handle, bound);
  }

  /** Listens on a socket that whoever started us has bound already. @returns the port */
  adopt(fd: number): number {
    const { Tcp, TCP_SERVER } = this.#options.handles;
    const handle = new Tcp(TCP_SERVER);
    return this.#start(handle, handle.open(fd));
  }

  /** @returns whether it accepts nothing now; `false`: it cannot be paused at this moment */
  pause(): boolean {
    if (this.#paused) return true;
    if (this.#spare === undefined || this.#active === undefined) return false;
    this.#active.close();
    this.#active = undefined;
    this.#paused = true;
    return true;
  }

  resume(): void {
    const handle = this.#spare;
    if (!this.#paused || handle === undefined) return;
    this.#paused = false;
    this.#spare = undefined;
    this.#poll(handle);
    this.#makeSpare();
  }

  /** Accepts no more. What waits in the kernel is reset. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
    this.#active?.close();
    this.#spare?.close();
    this.#active = undefined;
    this.#spare = undefined;
  }

  #start(handle: TcpHandle, bound: number): number {
    const status = bound < 0 ? bound : this.#poll(handle);
    if (status < 0) {
      handle.close();
      throw failure(status, 'listen');
    }
    const name: SocketName = {};
    handle.getsockname(name);
    this.#makeSpare();
    return name.port ?? 0;
  }

  #poll(handle: TcpHandle): number {
    handle.onconnection = this.#options.onConnection;
    this.#active = handle;
    const status = handle.listen(BACKLOG);
    handle.setNoDelay(true); // connections take it over from the socket they are accepted on (Linux): one call for all
    return status;
  }

  #makeSpare(): void {
    const active = this.#active;
    if (active === undefined || this.#spare !== undefined || this.#copying || this.#closed) return;
    this.#copying = true;
    void this.#options.copy(active).then((copy) => {
      this.#copying = false;
      if (this.#closed) copy?.close();
      else this.#spare = copy;
      if (copy === undefined && !this.#closed) {
        this.#again = setTimeout(() => this.#makeSpare(), COPY_AGAIN_MS);
        this.#again.unref();
      }
    });
  }
}
