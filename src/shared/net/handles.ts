/**
 * Node's own handles of sockets, which net.Socket is built on: what the native front reads and writes directly. They are
 * internal, so they are looked for once, and where one is missing (`undefined`) the public way is used instead.
 *
 * **Trap.** A buffer given to `writeBuffer` or `writev` is read by libuv until `oncomplete`: it must stay untouched, and
 * bytes that lie in a read buffer which other sockets share must never be given to them (one client would get another's
 * bytes). `writeLatin1String` and `writeUtf8String` keep a copy of what is left.
 */

/** Result of a call: 0, or a negative errno (`util.getSystemErrorName` names it). */
type Errno = number;

/** Made for one write, and not used again before `oncomplete` where the write went on after the call. */
export interface WriteRequest {
  oncomplete?: ((status: Errno) => void) | undefined;
}

export interface ShutdownRequest {
  oncomplete?: ((status: Errno) => void) | undefined;
}

export interface ConnectRequest {
  oncomplete?: ((status: Errno) => void) | undefined;
}

export interface StreamHandle {
  /** -1 once closed. */
  readonly fd: number;
  /** How much came lies in streamState[READ_BYTES_OR_ERROR]; `bytes` only without useUserBuffer. */
  onread: (bytes: ArrayBuffer | undefined) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): Errno;
  readStop(): Errno;
  /** After a call streamState[LAST_WRITE_WAS_ASYNC] says whether it is still going out. */
  writeLatin1String(request: WriteRequest, text: string, send?: StreamHandle): Errno;
  writeUtf8String(request: WriteRequest, text: string, send?: StreamHandle): Errno;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): Errno;
  writev(request: WriteRequest, chunks: readonly Uint8Array[], allBuffers: true): Errno;
  shutdown(request: ShutdownRequest): Errno;
  close(callback?: () => void): void;
  ref(): void;
  unref(): void;
}

export interface SocketName {
  address?: string;
  family?: string;
  port?: number;
}

export interface TcpHandle extends StreamHandle {
  onconnection: ((status: Errno, client: TcpHandle | undefined) => void) | undefined;
  open(fd: number): Errno;
  bind(address: string, port: number, flags?: number): Errno;
  bind6(address: string, port: number, flags: number): Errno;
  listen(backlog: number): Errno;
  getsockname(out: SocketName): Errno;
  getpeername(out: SocketName): Errno;
  setNoDelay(on: boolean): Errno;
  setKeepAlive(on: boolean, delaySeconds: number): Errno;
  /** Closes with a RST. */
  reset(callback?: () => void): Errno;
}

export interface PipeHandle extends StreamHandle {
  onconnection: ((status: Errno, client: PipeHandle | undefined) => void) | undefined;
  /** The handle that came with the last read; to be taken (set to null) before the next. */
  pendingHandle: TcpHandle | null | undefined;
  open(fd: number): Errno;
  bind(name: string): Errno;
  listen(backlog: number): Errno;
  connect(request: ConnectRequest, name: string): Errno;
}

type Constructor<T> = new (kind: number) => T;
type Request<T> = new () => T;

export interface Handles {
  readonly Tcp: Constructor<TcpHandle>;
  readonly Pipe: Constructor<PipeHandle>;
  readonly WriteRequest: Request<WriteRequest>;
  readonly ShutdownRequest: Request<ShutdownRequest>;
  readonly PipeConnectRequest: Request<ConnectRequest>;
  /** Arguments of the constructors. */
  readonly TCP_SOCKET: number;
  readonly TCP_SERVER: number;
  readonly PIPE_SERVER: number;
  readonly PIPE_IPC: number;
  /** Of this thread; what the last read or write of any of its handles did. */
  readonly streamState: Int32Array;
  /** Indexes into it. */
  readonly READ_BYTES_OR_ERROR: number;
  readonly LAST_WRITE_WAS_ASYNC: number;
  readonly ARRAY_BUFFER_OFFSET: number;
}

/** Where node:net keeps the socket of a handle, which so stays alive; `undefined`: this is no handle of a socket. */
export const ownerPlaceOf = (handle: object): symbol | undefined =>
  Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');

type Binding = Readonly<Record<string, unknown>>;

function bindingOf(name: string): Binding {
  const { binding } = process as unknown as { binding?: (name: string) => Binding };
  try {
    return binding?.(name) ?? {};
  } catch {
    return {}; // unknown in this version of Node
  }
}

const isClass = (value: unknown, methods: readonly string[]): boolean =>
  typeof value === 'function' && methods.every((method) => method in (value.prototype as object));

const STREAM = ['useUserBuffer', 'readStart', 'readStop', 'writeLatin1String', 'writeBuffer', 'writev', 'shutdown'];

function find(): Handles | undefined {
  const tcp = bindingOf('tcp_wrap');
  const pipe = bindingOf('pipe_wrap');
  const stream = bindingOf('stream_wrap');
  const tcpKinds = (tcp['constants'] ?? {}) as Readonly<Record<string, unknown>>;
  const pipeKinds = (pipe['constants'] ?? {}) as Readonly<Record<string, unknown>>;
  const numbers = [
    tcpKinds['SOCKET'],
    tcpKinds['SERVER'],
    pipeKinds['SERVER'],
    pipeKinds['IPC'],
    stream['kReadBytesOrError'],
    stream['kLastWriteWasAsync'],
    stream['kArrayBufferOffset'],
  ];
  const whole =
    isClass(tcp['TCP'], [...STREAM, 'open', 'bind', 'bind6', 'listen', 'getsockname', 'getpeername', 'setNoDelay']) &&
    isClass(pipe['Pipe'], [...STREAM, 'open', 'bind', 'listen', 'connect', 'writeUtf8String']) &&
    [pipe['PipeConnectWrap'], stream['WriteWrap'], stream['ShutdownWrap']].every((each) => isClass(each, [])) &&
    ArrayBuffer.isView(stream['streamBaseState']) &&
    numbers.every((each) => typeof each === 'number');
  if (!whole) return undefined;
  const [tcpSocket, tcpServer, pipeServer, pipeIpc, readBytes, lastWrite, offset] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    Tcp: tcp['TCP'] as Constructor<TcpHandle>,
    Pipe: pipe['Pipe'] as Constructor<PipeHandle>,
    WriteRequest: stream['WriteWrap'] as Request<WriteRequest>,
    ShutdownRequest: stream['ShutdownWrap'] as Request<ShutdownRequest>,
    PipeConnectRequest: pipe['PipeConnectWrap'] as Request<ConnectRequest>,
    TCP_SOCKET: tcpSocket,
    TCP_SERVER: tcpServer,
    PIPE_SERVER: pipeServer,
    PIPE_IPC: pipeIpc,
    streamState: stream['streamBaseState'] as Int32Array,
    READ_BYTES_OR_ERROR: readBytes,
    LAST_WRITE_WAS_ASYNC: lastWrite,
    ARRAY_BUFFER_OFFSET: offset,
  };
}

let found: { readonly handles: Handles | undefined } | undefined;

/** Of this thread; `undefined` where this Node lacks one, or abstract socket names (only Linux has them). */
export function nodeHandles(): Handles | undefined {
  found ??= { handles: process.platform === 'linux' ? find() : undefined };
  return found.handles;
}
