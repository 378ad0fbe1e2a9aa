import { getSystemErrorName } from 'node:util';
import { monotonicMs } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { RefusalCode } from '../../shared/metrics/layout.ts';
import { peerAddress } from '../../shared/net/address.ts';
import type { Handles, SocketName, TcpHandle } from '../../shared/net/handles.ts';
import type { ToFrontThread } from '../../shared/threads/protocol.ts';
import type { Acceptor } from './acceptor.ts';
import { AddressHolders } from './address-holders.ts';
import type { HolderLimits } from './address-holders.ts';
import { ConnectionBook } from './connection-book.ts';
import { Descriptors } from './descriptors.ts';
import { Evictor } from './evictor.ts';
import { HandleCopier, OWN_SLOT } from './handle-copier.ts';
import { HandOver } from './hand-over.ts';
import { Listener } from './listener.ts';
import { Refusals } from './refusals.ts';
import { ThreadLines } from './thread-lines.ts';

/** Rows beyond MAX_CONNECTIONS: for connections that have been told to go, or are with a thread that is stuck. */
const SPARE_ROWS = 4_096;
const MOST_ROWS = 1_048_576;
/** Threads open descriptors too; with none left, libuv would accept what waits and close it. */
const DESCRIPTOR_CHECK_MS = 1_000;
/** While nothing is accepted: how often it is looked whether there is room again. */
const RESUME_CHECK_MS = 100;
/** Idle connections that are told to go at each of these looks. */
const EVICT_AT_ONCE = 16;
/** Nobody is refused meanwhile, so only those go that have nothing to say: a request may be on its way. */
const EVICT_IDLE_MS = 1_000;

/** Errors of accepting that mean that the process or the system has no more to give. */
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

export interface NativeAcceptorOptions {
  readonly handles: Handles;
  /** Slots of request threads. */
  readonly slots: number;
  readonly config: Config;
  readonly log: Log;
  readonly send: (slot: number, message: ToFrontThread) => void;
  /** Whether clients are accepted has changed; `why` is empty when they are. */
  readonly onAccepting: (why: string) => void;
  /** A socket that listens already, such as systemd's 3. */
  readonly inherited?: number | undefined;
}

const holderLimits = ({ server, limits }: Config): HolderLimits => ({ ...server, allowed: limits.allowlist.cidrs });

/** Accepts with Node's own handles and gives each connection to the thread with the fewest. */
export class NativeAcceptor implements Acceptor {
  readonly kind = 'native';
  readonly #refusals: Refusals;
  readonly #options: NativeAcceptorOptions;
  readonly #descriptors: Descriptors;
  readonly #holders: AddressHolders;
  readonly #book: ConnectionBook;
  readonly #evictor: Evictor;
  readonly #handOver: HandOver;
  readonly #lines: ThreadLines;
  readonly #copier: HandleCopier;
  readonly #listener: Listener;
  #maxConnections: number;
  #resuming: NodeJS.Timeout | undefined;
  #checking: NodeJS.Timeout | undefined;
  #problem = '';
  #closed = false;

  constructor(options: NativeAcceptorOptions) {
    this.#options = options;
    const { handles, slots, config, log, send } = options;
    this.#descriptors = new Descriptors(() => this.#handOver.waiting);
    this.#maxConnections = config.server.maxConnections;
    this.#refusals = new Refusals({ handles, secure: config.server.tls !== undefined, log });
    this.#holders = new AddressHolders(holderLimits(config));
    const rows = Math.min(MOST_ROWS, Math.max(this.#maxConnections, this.#descriptors.limit) + SPARE_ROWS);
    this.#book = new ConnectionBook(rows, slots, this.#holders);
    this.#evictor = new Evictor(this.#book, (slot, { index, since }) => {
      this.#refusals.counted('evicted');
      send(slot, { type: 'close-idle', index, since });
    });
    this.#handOver = new HandOver({
      book: this.#book,
      refuse: ({ handle }, why) => this.#refusals.refuse(handle, why),
    });
    this.#lines = new ThreadLines(handles, {
      opened: (slot, line) => (slot === OWN_SLOT ? this.#copier.opened(line) : this.#handOver.opened(slot, line)),
      lost: (slot, line) => this.#handOver.lost(slot, line),
    });
    this.#copier = new HandleCopier(handles, this.#lines);
    this.#listener = new Listener({
      handles,
      copy: (handle) => this.#copier.copy(handle),
      onConnection: (status, client) => this.#onConnection(status, client),
    });
  }

  readonly ring = {
    add: ({ slot }: { readonly slot: number }): void => this.#handOver.add(slot),
    remove: ({ slot }: { readonly slot: number }): void => this.#handOver.remove(slot),
  };

  /** While it is set, clients wait in the kernel. */
  get problem(): string {
    return this.#problem;
  }

  refused(code: RefusalCode): number {
    return this.#refusals.count(code);
  }

  get refusedByRate(): number {
    return this.#holders.refusedByRate;
  }

  forThread(slot: number) {
    const { name } = this.#lines;
    const connections = this.#book.table.memory;
    return { kind: 'native', pipe: name, secret: this.#lines.expect(slot), connections } as const;
  }

  threadGone(slot: number): void {
    this.#handOver.gone(slot);
  }

  /** The threads of this front have nothing to say. */
  receive(): void {}

  async listen(host: string, port: number): Promise<number> {
    const { inherited } = this.#options;
    const actual = inherited === undefined ? await this.#listener.listen(host, port) : this.#listener.adopt(inherited);
    this.#checking = setInterval(() => {
      if (this.#problem === '' && this.#descriptors.free() <= 0) this.#pause('');
    }, DESCRIPTOR_CHECK_MS);
    this.#checking.unref();
    return actual;
  }

  configure(config: Config): void {
    this.#maxConnections = config.server.maxConnections;
    this.#holders.configure(holderLimits(config));
  }

  async stopAccepting(): Promise<void> {
    this.#handOver.end();
    // What waits in a socket that was passed on is its holder's, and its next owner's to accept.
    if (this.#options.inherited === undefined) await this.#listener.closeUnseen();
  }

  close(): void {
    this.#closed = true;
    this.#handOver.end();
    clearTimeout(this.#resuming);
    clearInterval(this.#checking);
    this.#listener.close();
    this.#copier.close();
    this.#refusals.close();
  }

  #onConnection(status: number, handle: TcpHandle | undefined): void {
    if (status < 0 || handle === undefined) return this.#onAcceptFailed(status);
    this.#handOver.settle();
    const nowMs = monotonicMs();
    const name: SocketName = {};
    if (handle.getpeername(name) !== 0 || name.address === undefined) return handle.close(); // gone already
    const address = peerAddress(name.address);
    const holder = this.#holders.of(address, nowMs);
    if (this.#holders.admits(holder, nowMs) && this.#hasRoom()) {
      this.#handOver.give({ handle, address, port: name.port ?? 0, holder });
    } else {
      this.#refusals.refuse(handle, 'overloaded');
    }
    this.#holders.forget(holder); // where it got none
    if (this.#descriptors.accepted(nowMs)) this.#pause('');
  }

  /** Room for one more, made if need be. */
  #hasRoom(): boolean {
    if (this.#book.open < this.#maxConnections) return true;
    return this.#book.open - this.#evictor.leaving() < this.#maxConnections || this.#evictor.evict();
  }

  #onAcceptFailed(status: number): void {
    const code = getSystemErrorName(status);
    if (EXHAUSTED.has(code)) this.#pause(code);
    else this.#options.log.debug({ code }, 'a client could not be accepted'); // it left: ECONNABORTED and the like
  }

  /** @param code of the failure; '' when it has not come to one */
  #pause(code: string): void {
    if (this.#problem !== '' || this.#closed || !this.#listener.pause()) return;
    const { limit } = this.#descriptors;
    const exhausted = code === '' || code === 'EMFILE';
    const why = exhausted ? `out of file descriptors (ulimit -n ${limit})` : `the system has no more to give (${code})`;
    this.#setProblem(`client connections are not accepted: ${why}`);
    this.#resumeLater();
  }

  #resumeLater(): void {
    this.#resuming = setTimeout(() => {
      this.#handOver.settle();
      // Some more than one, so that it does not go to and fro with each client.
      if (this.#descriptors.free() >= Math.min(32, Math.ceil(this.#descriptors.most / 16))) return this.#resume();
      let left = EVICT_AT_ONCE;
      while (left > 0 && this.#evictor.evict(EVICT_IDLE_MS)) left--;
      this.#resumeLater();
    }, RESUME_CHECK_MS);
  }

  #resume(): void {
    this.#listener.resume();
    this.#setProblem('');
  }

  #setProblem(problem: string): void {
    this.#problem = problem;
    this.#options.onAccepting(problem);
  }
}
