import type { EventType, GatewayEvent } from '../../shared/admin/operations.ts';
import type { AnswerStream } from '../admin/contract/answer.ts';
import type { EventLog } from './event-log.ts';

export interface EventReadersOptions {
  readonly log: Pick<EventLog, 'kept' | 'listen'>;
  readonly mostReaders: number;
  /** A reader that leaves more than this waiting is cut off; room for all kept events at their largest. */
  readonly mostWaitingBytes: number;
  /** Milliseconds between signs of life. */
  readonly heartbeatMs: number;
}

export const EVENT_READERS = { mostReaders: 32, mostWaitingBytes: 2 * 1024 * 1024, heartbeatMs: 15_000 } as const;

const END_WITHIN_MS = 250;

/** What a reader wants to hear of. */
export interface EventWish {
  /** Empty: all. */
  readonly types: ReadonlySet<EventType>;
  /** The last id it has; `undefined`: it has none. */
  readonly afterId: number | undefined;
}

/** Events that a reader wants. */
export const wanted = (events: readonly GatewayEvent[], types: EventWish['types']): readonly GatewayEvent[] =>
  types.size === 0 ? events : events.filter(({ type }) => types.has(type));

/** One event as a message of `text/event-stream`. JSON has no line breaks of its own. */
const frame = (event: GatewayEvent): string =>
  `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Whoever follows the events live. */
export class EventReaders {
  readonly #options: EventReadersOptions;
  /** With what ends each one's hearing of anything. */
  readonly #readers = new Map<AnswerStream, () => void>();
  #closed = false;

  constructor(options: EventReadersOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#readers.size >= this.#options.mostReaders;
  }

  /** Sends what is kept, then whatever comes, until one of both sides ends it. */
  open(stream: AnswerStream, { types, afterId }: EventWish): void {
    const { log, heartbeatMs } = this.#options;
    stream.write(': events of the gateway\n\n');
    for (const event of wanted(log.kept(afterId), types)) stream.write(frame(event));
    if (this.#closed) {
      stream.end();
      return;
    }
    const stop = log.listen((event) => {
      if (types.size === 0 || types.has(event.type)) this.#write(stream, frame(event));
    });
    const heartbeat = setInterval(() => this.#write(stream, ': still here\n\n'), heartbeatMs).unref();
    const fallSilent = (): void => {
      clearInterval(heartbeat);
      stop();
    };
    this.#readers.set(stream, fallSilent);
    stream.onClose(() => {
      fallSilent();
      this.#readers.delete(stream);
    });
  }

  /** Ends every reader, and those that still come after what is kept. */
  close(): void {
    this.#closed = true;
    const readers = [...this.#readers.keys()];
    for (const [stream, fallSilent] of this.#readers) {
      fallSilent(); // one that reads slowly is not over for a while, and after its end nothing may be written
      stream.end();
    }
    // Whoever has not read the rest by then must not hold up the end of the process.
    setTimeout(() => readers.forEach((stream) => stream.cut()), END_WITHIN_MS).unref();
  }

  #write(stream: AnswerStream, text: string): void {
    if (stream.waitingBytes() > this.#options.mostWaitingBytes) stream.cut();
    else stream.write(text);
  }
}
