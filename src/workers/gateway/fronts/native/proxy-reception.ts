import type { StreamHandle } from '../../../../shared/net/handles.ts';
import type { DeadlineList, Deadlines, Waiting } from '../../deadlines.ts';
import type { StreamTools } from '../../stream-output.ts';
import { ProxyHeaderReader } from './proxy-protocol.ts';
import type { ProxiedSource } from './proxy-protocol.ts';

/** A proxy writes its header at once; one that does not speaks another protocol. */
const HEADER_WITHIN_MS = 5_000;

export interface ProxyReceptionOptions {
  readonly handle: StreamHandle;
  readonly tools: StreamTools;
  readonly buffer: Buffer;
  readonly deadlines: Deadlines;
  /** @param source `undefined`: the proxy speaks for itself. @param rest what came behind the header; gone when this returns */
  readonly onHeader: (source: ProxiedSource | undefined, rest: Buffer) => void;
  /** No header, a broken one, or none in time; the handle is not closed. */
  readonly onFailed: () => void;
}

/** Reads the PROXY header of a connection before anything else does. */
export class ProxyReception implements Waiting {
  readonly #options: ProxyReceptionOptions;
  readonly #reader = new ProxyHeaderReader();

  deadlineList: DeadlineList | undefined = undefined;
  deadlinePrevious: Waiting | undefined = undefined;
  deadlineNext: Waiting | undefined = undefined;
  deadlineFromMs = 0;

  constructor(options: ProxyReceptionOptions) {
    const { handle, buffer, deadlines, tools } = options;
    this.#options = options;
    deadlines.arm(this, HEADER_WITHIN_MS);
    handle.useUserBuffer(buffer);
    handle.onread = () => this.#onRead(tools.streamState[tools.READ_BYTES_OR_ERROR] ?? 0);
    handle.readStart();
  }

  onDeadline(): void {
    this.#end();
    this.#options.onFailed();
  }

  #onRead(length: number): void {
    if (length === 0) return;
    const { buffer, onHeader } = this.#options;
    const step = length < 0 ? { kind: 'bad' as const } : this.#reader.push(buffer, 0, length);
    if (step.kind === 'more') return;
    this.#end();
    if (step.kind === 'bad') this.#options.onFailed();
    else onHeader(step.source, buffer.subarray(step.consumed, length));
  }

  #end(): void {
    const { handle, deadlines } = this.#options;
    deadlines.disarm(this);
    handle.onread = nothing; // Node ends the process for anything but a function
    handle.readStop();
  }
}

const nothing = (): void => undefined;
