/** A request body on its way: how it is framed upstream, and what waits for a connection. */
export class RequestBody {
  /** Content-Length as the client declared it; -1 = chunked, not known before its end. */
  readonly declaredBytes: number;
  receivedBytes = 0;
  ended = false;
  /** The client's socket is not being read. */
  paused = false;
  /** Arrived before a connection was there, or kept for a retry. */
  readonly held: Buffer[] = [];
  heldBytes = 0;
  /** Bytes went out that are no longer held: the request cannot be sent a second time. */
  streamed = false;

  constructor(declaredBytes: number) {
    this.declaredBytes = declaredBytes;
  }

  hold(piece: Buffer): void {
    this.held.push(piece);
    this.heldBytes += piece.length;
  }

  /**
   * The framing field for what is known when the request is sent: a length where there is one, else chunked. It counts
   * what we received or the parser enforced, and is never copied from the client (RFC 9112, section 6.3).
   */
  framingField(): string {
    if (this.ended) return `content-length: ${this.receivedBytes}\r\n`;
    return this.declaredBytes >= 0 ? `content-length: ${this.declaredBytes}\r\n` : 'transfer-encoding: chunked\r\n';
  }
}

const CRLF = Buffer.from('\r\n');
export const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** One chunk of RFC 9112, section 7.1, in one buffer, so that it is one write. */
export function chunk(piece: Buffer): Buffer {
  const size = Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, piece, CRLF]);
}
