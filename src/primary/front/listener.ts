import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { getSystemErrorName } from 'node:util';
import { monotonicMs } from '../../shared/clock.ts';
import type { Handles, SocketName, TcpHandle } from '../../shared/net/handles.ts';

/** Connections the kernel keeps while we are busy; it lowers this to net.core.somaxconn. */
const BACKLOG = 4_096;
/** Between two attempts to make the spare copy. */
const COPY_AGAIN_MS = 100;
/** Attempts to close without a reset; each fails when a client was a moment faster. */
const MOST_SEALS = 8;
/** A connection to ourselves that has not come about after this is kept out by a client's. */
const SEAL_MS = 25;
/** For the spare copy between two of these. */
const SPARE_WITHIN_MS = 50;

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

/** Where this machine reaches what listens on the address. */
function loopbackOf(address = ''): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

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
  #backlog = BACKLOG;
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

  /**
   * Closes so that no client is reset that the kernel has let in: with a backlog of none it lets in one, and that place is
   * taken by a connection of our own, which is not accepted. SYNs that come then are dropped, and sent again to a closed
   * port. What is left is a handshake that is under way in that moment. A socket that somebody else holds too needs none of
   * it, for nothing in it is reset.
   */
  async closeUnseen(): Promise<void> {
    this.#backlog = 0;
    for (let seals = 0; seals < MOST_SEALS && !this.#paused && !this.#closed; seals++) {
      if (this.#spare === undefined || this.#active === undefined) break;
      this.#active.listen(this.#backlog);
      await nextTurn(); // accepts all that came before
      if (!this.pause()) break;
      const seal = await this.#seal();
      if (seal !== undefined) {
        this.close();
        seal.destroy();
        return;
      }
      this.resume();
      await this.#spareCame();
    }
    await nextTurn();
    this.close();
  }

  /** @returns a connection of our own that waits in the kernel; `undefined`: one of a client does */
  async #seal(): Promise<Socket | undefined> {
    const name: SocketName = {};
    this.#spare?.getsockname(name);
    const socket = connect({ host: loopbackOf(name.address), port: name.port ?? 0 });
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      setTimeout(() => resolve(false), SEAL_MS);
    });
    socket.on('error', () => {}); // its reset
    if (connected) return socket;
    socket.destroy();
    return undefined;
  }

  async #spareCame(): Promise<void> {
    const untilMs = monotonicMs() + SPARE_WITHIN_MS;
    while (this.#spare === undefined && monotonicMs() < untilMs) await wait(1);
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
    const status = handle.listen(this.#backlog);
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
