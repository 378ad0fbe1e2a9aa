import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Handles, PipeHandle, StreamHandle, WriteRequest } from '../../shared/net/handles.ts';
import { ACCEPTED, MAX_PROOF_BYTES, proofOf } from '../../shared/threads/hand-over.ts';

/** Whoever has not shown the secret by then is sent away. */
const PROOF_WITHIN_MS = 5_000;
/** More that have not shown it yet than threads ever start at once: strangers. The oldest goes. */
const MOST_STRANGERS = 300;
const BACKLOG = 512;

/** The front's end of the socket to one thread. */
export interface Line {
  /** Sends the text with a copy of the handle's descriptor; `done` is called once, never within the call. */
  send(text: string, handle: StreamHandle, done: (status: number) => void): void;
  close(): void;
}

export interface LineOwner {
  /** The thread in this slot has connected. */
  opened(slot: number, line: Line): void;
  /** Its end has gone. */
  lost(slot: number, line: Line): void;
}

interface Stranger {
  readonly pipe: PipeHandle;
  readonly timer: NodeJS.Timeout;
}

/** A name in the abstract namespace of unix sockets: no file, gone with the process. */
const freshName = (): string => `\0api-gateway-${process.pid}-${randomBytes(16).toString('hex')}`;

/** Where request threads connect to, each with the secret it was given. */
export class ThreadLines {
  readonly name = freshName();
  readonly #handles: Handles;
  readonly #owner: LineOwner;
  readonly #server: PipeHandle;
  readonly #secrets = new Map<number, string>();
  readonly #strangers = new Set<Stranger>();

  /** @throws where the system has no such sockets */
  constructor(handles: Handles, owner: LineOwner) {
    this.#handles = handles;
    this.#owner = owner;
    this.#server = new handles.Pipe(handles.PIPE_SERVER);
    this.#server.onconnection = (status, accepted) => {
      if (status === 0 && accepted !== undefined) this.#onConnection(accepted);
    };
    const bound = this.#server.bind(this.name);
    const status = bound < 0 ? bound : this.#server.listen(BACKLOG);
    if (status < 0) throw new Error(`no socket for the request threads: ${status}`);
    this.#server.unref(); // never closed: threads come for as long as the process lives
  }

  /** Expects one connection of the slot from now on. @returns what proves it */
  expect(slot: number): string {
    const secret = randomBytes(24).toString('hex');
    this.#secrets.set(slot, secret);
    return secret;
  }

  #onConnection(accepted: PipeHandle): void {
    const { Pipe, PIPE_IPC } = this.#handles;
    // What a server accepts cannot send descriptors. The same one is opened again as a handle that can; the first is
    // kept without being closed, because the descriptor is closed with the second.
    const pipe = new Pipe(PIPE_IPC);
    if (pipe.open(accepted.fd) < 0) return accepted.close();
    const stranger: Stranger = {
      pipe,
      timer: setTimeout(() => this.#sendAway(stranger), PROOF_WITHIN_MS),
    };
    accepted.unref();
    kept.set(pipe, accepted);
    const [oldest] = this.#strangers;
    if (oldest !== undefined && this.#strangers.size >= MOST_STRANGERS) this.#sendAway(oldest);
    this.#strangers.add(stranger);
    const { streamState, READ_BYTES_OR_ERROR, ARRAY_BUFFER_OFFSET } = this.#handles;
    let proof = '';
    pipe.onread = (bytes) => {
      const length = streamState[READ_BYTES_OR_ERROR] ?? 0;
      pipe.pendingHandle?.close(); // nobody has reason to send one
      pipe.pendingHandle = null;
      if (length < 0) return this.#sendAway(stranger);
      if (bytes === undefined) return;
      proof += Buffer.from(bytes, streamState[ARRAY_BUFFER_OFFSET], length).toString('latin1');
      if (proof.endsWith('\n')) this.#onProof(stranger, proof);
      else if (proof.length > MAX_PROOF_BYTES) this.#sendAway(stranger);
    };
    pipe.readStart();
  }

  #sendAway(stranger: Stranger): void {
    if (!this.#strangers.delete(stranger)) return;
    clearTimeout(stranger.timer);
    stranger.pipe.close();
  }

  #onProof(stranger: Stranger, proof: string): void {
    const slot = Number.parseInt(proof, 10);
    const secret = this.#secrets.get(slot);
    if (secret === undefined || !equal(proof, proofOf(slot, secret))) return this.#sendAway(stranger);
    this.#secrets.delete(slot); // for one connection
    this.#strangers.delete(stranger);
    clearTimeout(stranger.timer);
    const { pipe } = stranger;
    const line = new PipeLine(this.#handles, pipe, () => this.#owner.lost(slot, line));
    this.#owner.opened(slot, line);
    pipe.writeLatin1String(new this.#handles.WriteRequest(), `${ACCEPTED}\n`);
  }
}

/** First handles of descriptors that were opened again, as long as those live. */
const kept = new WeakMap<PipeHandle, PipeHandle>();

function equal(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** What a line that has gone answers; any negative number does. */
const CLOSED = -1;

class PipeLine implements Line {
  readonly #handles: Handles;
  readonly #pipe: PipeHandle;
  #closed = false;

  constructor(handles: Handles, pipe: PipeHandle, lost: () => void) {
    this.#handles = handles;
    this.#pipe = pipe;
    pipe.onread = () => {
      pipe.pendingHandle?.close();
      pipe.pendingHandle = null;
      if ((handles.streamState[handles.READ_BYTES_OR_ERROR] ?? 0) >= 0) return; // it has nothing to say
      this.close();
      lost();
    };
  }

  send(text: string, handle: StreamHandle, done: (status: number) => void): void {
    if (this.#closed) {
      setImmediate(done, CLOSED);
      return;
    }
    const request: WriteRequest = new this.#handles.WriteRequest();
    request.oncomplete = done;
    const status = this.#pipe.writeUtf8String(request, text, handle);
    const { streamState, LAST_WRITE_WAS_ASYNC } = this.#handles;
    if (status === 0 && streamState[LAST_WRITE_WAS_ASYNC] !== 0) return;
    request.oncomplete = undefined;
    setImmediate(done, status);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pipe.close();
  }
}
