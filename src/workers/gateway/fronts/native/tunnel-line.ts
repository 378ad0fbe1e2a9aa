import type { AnsweredExchange } from '../../exchange/client-side.ts';
import type { ResponseParser } from '../../upstream/response-parser.ts';
import type { EndListener, TunnelEnd } from '../../websocket/tunnel-end.ts';
import { upstreamHead } from './answer-head.ts';
import { AnswerLine } from './answer-line.ts';
import { CLOSED, HALF_CLOSED, TUNNEL } from './connection-state.ts';

/** So much may wait for one write over TLS to end before its source is stopped. */
const MOST_CORKED_BYTES = 64 * 1024;

const UV_EOF = -4095;

const SWITCHING = 'upgrade: websocket\r\nconnection: Upgrade\r\n';

/**
 * A client's connection once it is the end of a tunnel: its exchanges are over, no request is read any more, and it stays
 * busy to whoever looks for idle ones.
 */
export abstract class TunnelLine extends AnswerLine implements TunnelEnd {
  #listener: EndListener | undefined = undefined;

  /** Nothing of HTTP is waited for any more. */
  protected abstract stopWaiting(): void;
  /** What is read goes to the tunnel, or no longer. */
  protected abstract readFor(tunnel: ((length: number) => void) | undefined): void;

  switchProtocols(exchange: AnsweredExchange, head: ResponseParser): TunnelEnd | undefined {
    if (this.phase === CLOSED || exchange !== this.first || this.count !== 1) return undefined;
    this.first = undefined;
    this.last = undefined;
    this.count = 0;
    this.phase = TUNNEL;
    this.flags &= HALF_CLOSED;
    this.stopWaiting();
    this.write(upstreamHead(exchange, head, `${this.host.dateLine}${SWITCHING}`));
    return this.phase === TUNNEL ? this : undefined;
  }

  begin(listener: EndListener): void {
    this.#listener = listener;
    if (this.phase === CLOSED) return listener.onGone();
    const { kept } = this;
    this.kept = undefined;
    this.readFor((length) => this.#onRead(length));
    this.readOn();
    if (kept !== undefined) listener.onBytes(kept, 0, kept.length);
    if ((this.flags & HALF_CLOSED) !== 0) this.#listener?.onEnd();
  }

  #onRead(length: number): void {
    if (length > 0) this.#listener?.onBytes(this.host.readBuffer, 0, length);
    else if (length === UV_EOF) {
      this.flags |= HALF_CLOSED;
      this.#listener?.onEnd();
    } else if (length < 0) this.destroy();
  }

  /** The connection is gone, whoever ended it. */
  protected tunnelGone(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onGone();
  }

  protected tunnelDrained(): void {
    this.#listener?.onDrained();
  }

  pass(piece: Parameters<TunnelEnd['pass']>[0], soon: boolean): void {
    if (this.phase === TUNNEL) this.writeSome(piece, soon);
  }

  say(frame: string): void {
    if (this.phase === TUNNEL) this.write(frame);
  }

  get isBlocked(): boolean {
    if (this.pendingWrites === 0 || this.phase !== TUNNEL) return false;
    return !this.writesOneByOne || this.corkedBytes >= MOST_CORKED_BYTES;
  }

  get bringsPieces(): boolean {
    return this.writesOneByOne;
  }

  pauseReading(): void {
    if (this.phase === TUNNEL) this.handle.readStop();
  }

  resumeReading(): void {
    if (this.phase === TUNNEL) this.handle.readStart();
  }

  finish(): void {
    if (this.phase !== TUNNEL) return;
    this.#listener = undefined;
    this.readFor(undefined);
    this.close();
  }

  abandon(): void {
    this.#listener = undefined;
    this.destroy();
  }
}
