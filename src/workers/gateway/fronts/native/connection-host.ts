import type { Deadlines } from '../../deadlines.ts';
import type { ClientSide } from '../../exchange/client-side.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { OutputTools } from '../../stream-output.ts';
import type { NativeRequestHead } from './head-parser.ts';

/** Settings of connections; a reload changes them under those that are open. */
export interface ConnectionSettings {
  readonly halfCloseMs: number;
  readonly idleTimeoutMs: number;
  readonly forwardInformational: boolean;
}

/** Something that is written at the end of the loop's turn. */
export interface Flushed {
  flushCorked(): void;
}

/** What the connections of a thread share: their front. */
export interface ConnectionHost {
  readonly tools: OutputTools;
  /** The thread's one reader of request heads. */
  readonly head: NativeRequestHead;
  /** Where every read of the thread lands; used up before the next. */
  readonly readBuffer: Buffer;
  readonly deadlines: Deadlines;
  readonly settings: ConnectionSettings;
  readonly testFaults: boolean;
  /** Field line with the time of day. */
  readonly dateLine: string;
  /** The thread has so few exchanges under way that a connection may have several of them. */
  readonly mayReadAhead: boolean;
  openExchange(client: ClientSide): Exchange;
  /** `index` has something to do (again), or nothing. */
  markBusy(index: number): void;
  markIdle(index: number): void;
  /** Answers of several exchanges of one connection, which may be more in a moment, leave in one write. */
  flushSoon(connection: Flushed): void;
  onClosed(connection: { readonly index: number; at: number }): void;
  /** A client has not taken answers that are nobody's any more. */
  onStalled(): void;
  onFault(error: unknown): void;
}
