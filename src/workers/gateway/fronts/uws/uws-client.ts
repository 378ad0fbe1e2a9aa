import type { HttpResponse } from 'uWebSockets.js';
import { reasonPhrase } from '../../../../shared/http/problem.ts';
import type { Log } from '../../../../shared/log.ts';
import type { AnsweredExchange, ClientSide } from '../../exchange/client-side.ts';
import { hasLength } from '../../exchange/local-answer.ts';
import type { LocalAnswer } from '../../exchange/local-answer.ts';
import { passedFields } from '../../exchange/passed-fields.ts';
import type { CertificateCache } from '../../identity/certificates/certificate-cache.ts';
import type { ClientCertificate } from '../../identity/certificates/client-certificate.ts';
import type { Connection } from '../../upstream/connection.ts';
import type { ClientConnections } from './client-connections.ts';

/** Written after the upstream's fields: Via names the hops in the order the answer passed them (RFC 9110, section 7.6.3). */
const LAST_LINE = 'via: 1.1 api-gateway';

// uWS's cork() takes a function; to make none for each answer, what it works on is put here first.
let corked: UwsClient;
let corkedExchange: AnsweredExchange;
let corkedConnection: Connection;
function setCorked(client: UwsClient, exchange: AnsweredExchange, connection: Connection): void {
  corked = client;
  corkedExchange = exchange;
  corkedConnection = connection;
}
const writeWhole = (): void => corked.writeWhole(corkedExchange, corkedConnection);
const writeBegin = (): void => corked.writeBegin(corkedExchange, corkedConnection);
const nothing = (): void => undefined;
const writePiece = (): void => corked.writePiece(corkedExchange, corkedConnection);

/** What uWebSockets.js has and its types do not say; only over TLS. */
interface CertifiedResponse {
  /** PEM of the client's certificate; '' = it has shown none. Throws where it is missing, which is better than nobody. */
  getX509Certificate(): string;
}

export interface UwsClientParts {
  readonly connections: ClientConnections;
  /** Clients are asked for a certificate. */
  readonly asksClients: boolean;
  readonly certificates: CertificateCache;
  readonly log: Log;
}

/** The client of one exchange on uWebSockets.js. After it is gone, or the answer ended, every call does nothing. */
export class UwsClient implements ClientSide {
  readonly #parts: UwsClientParts;
  #res: HttpResponse | undefined;
  #exchange: AnsweredExchange | undefined = undefined;
  /** The answer's header is known but not written: uWS sends it with the first byte of the body, and takes an empty first piece for the whole. */
  #headHeld = false;
  /** Declared length; -1 = chunked. */
  #totalBytes = -1;
  /** Bytes the client's socket did not take, of an answer with a length; #unsentAt is their place in it. */
  #unsent: Buffer | undefined = undefined;
  #unsentAt = 0;
  #watching = false;
  /** The client's socket is full; uWS says when it no longer is. */
  #blocked = false;
  /** A chunked answer is complete but for its end. */
  #endWanted = false;
  /** The client's socket is not read. */
  #paused = false;
  /** uWS waits for us to return, and goes on with what else is in the segment. */
  #inHandler = true;
  /** An answer that ends the connection waits until uWS is through with the segment. */
  #closing = false;

  constructor(parts: UwsClientParts, res: HttpResponse) {
    this.#parts = parts;
    this.#res = res;
    res.onAborted(() => this.#onAborted());
  }

  /** Set before anything can come of the request. */
  serve(exchange: AnsweredExchange): void {
    this.#exchange = exchange;
  }

  peerAddress(): string {
    return this.#res === undefined ? '' : this.#parts.connections.addressOf(this.#res);
  }

  /** It costs a trip to uWS each time: only on a route that wants it. */
  certificate(): ClientCertificate | undefined {
    const { asksClients, certificates } = this.#parts;
    if (!asksClients || this.#res === undefined) return undefined;
    const pem = (this.#res as unknown as CertifiedResponse).getX509Certificate();
    return pem === '' ? undefined : certificates.ofPem(pem);
  }

  /** uWS's handler is about to return. */
  leaveHandler(): void {
    this.#inHandler = false;
  }

  /** uWS wants to know inside its handler who takes the body. */
  takeBody(exchange: AnsweredExchange): void {
    this.resumeBody(); // so that every later resume finds what a pause without bytes to send has found
    this.#res?.onData((piece, last) => {
      this.#inHandler = true;
      if (last) exchange.onBodyEnds();
      exchange.onBody(Buffer.from(piece), 0, piece.byteLength);
      this.#inHandler = false;
    });
  }

  /** uWS has answered `Expect: 100-continue` before its handler ran. */
  wantBody(): void {}

  pauseBody(): void {
    this.#paused = true;
    // A pause would also hold up what the socket did not take of the answer. What comes meanwhile the body limit bounds.
    if (!this.#blocked) this.#res?.pause();
  }

  resumeBody(): void {
    this.#paused = false;
    const res = this.#res;
    if (res === undefined) return;
    // uWS puts back what the thread's last pause found, kept apart for sockets with and without bytes to send: so pause now.
    res.pause();
    res.resume();
  }

  /** uWS cuts uploads slower than it likes; a pause and resume starts its clock again. */
  keepUploadAlive(): void {
    this.pauseBody();
    this.resumeBody();
  }

  unsentBytes(): number {
    return 0; // onWritable says at once that some has been taken
  }

  socketDescriptor(): number {
    return -1;
  }

  /** uWS cannot write a 1xx. */
  informational(): void {}

  local(exchange: AnsweredExchange, answer: LocalAnswer): void {
    if (answer.close && this.#inHandler) this.#closeSoon(exchange, answer);
    else this.#writeLocal(exchange, answer);
  }

  /**
   * uWS would serve what stands behind this request in the same segment, whatever the answer says: it closes only when it
   * is through with the segment. A request that it finds behind one without an answer makes it close at once. So the answer
   * waits until the handler has returned; whoever has sent more than one request gets a close without it.
   */
  #closeSoon(exchange: AnsweredExchange, answer: LocalAnswer): void {
    this.#closing = true;
    setImmediate(() => {
      try {
        this.#writeLocal(exchange, answer);
      } catch (error) {
        exchange.onFault(error);
      }
    });
  }

  #writeLocal(exchange: AnsweredExchange, answer: LocalAnswer): void {
    if (this.#res === undefined) return;
    const res = this.#take();
    exchange.bytesSent = writeLocal(res, exchange, answer);
    exchange.onAnswered();
  }

  forward(exchange: AnsweredExchange, read: Connection): void {
    if (this.#res === undefined) return;
    const { complete } = read;
    if (read.headArrived) this.#headHeld = true;
    if (this.#headHeld) {
      if (complete) {
        this.#cork(exchange, read, writeWhole);
        return;
      }
      if (read.bodyEnd > read.bodyStart) this.#cork(exchange, read, writeBegin);
      return;
    }
    if (read.bodyEnd > read.bodyStart) this.#cork(exchange, read, writePiece);
    if (complete && this.#totalBytes < 0 && this.#res !== undefined) this.#endChunked(exchange);
  }

  #cork(exchange: AnsweredExchange, read: Connection, write: () => void): void {
    setCorked(this, exchange, read);
    this.#res?.cork(write);
  }

  /** The whole answer is in hand: one write. */
  writeWhole(exchange: AnsweredExchange, read: Connection): void {
    const close = exchange.closesAfter; // asked before the upstream is let go
    const res = this.#take();
    const { parser, bodyStart, bodyEnd } = read;
    this.#writeHead(res, exchange, read);
    if (parser.bodyKind === 'none') {
      if (parser.contentLength >= 0 && parser.status !== 204) {
        res.endWithoutBody(parser.contentLength, close);
      } else {
        if (close) res.writeHeader('connection', 'close');
        res.endWithoutBody(); // with any argument, even undefined, uWS writes a Content-Length
      }
    } else {
      exchange.bytesSent = bodyEnd - bodyStart;
      res.end(bodyEnd === bodyStart ? '' : read.readBuffer.subarray(bodyStart, bodyEnd), close);
    }
    exchange.onAnswered();
  }

  /** The header and the first piece of a longer body. */
  writeBegin(exchange: AnsweredExchange, read: Connection): void {
    const res = this.#res as HttpResponse;
    this.#headHeld = false;
    this.#totalBytes = read.parser.bodyKind === 'length' ? read.parser.contentLength : -1;
    this.#writeHead(res, exchange, read);
    if (exchange.closesAfter) res.writeHeader('connection', 'close');
    this.writePiece(exchange, read);
  }

  writePiece(exchange: AnsweredExchange, { readBuffer, bodyStart, bodyEnd }: Connection): void {
    const piece = readBuffer.subarray(bodyStart, bodyEnd);
    const res = this.#res as HttpResponse;
    const at = exchange.bytesSent;
    exchange.bytesSent += piece.length;
    if (this.#totalBytes < 0) {
      if (!res.write(piece)) this.#watchWritable(res, exchange);
      return;
    }
    if (this.#unsent !== undefined) {
      // The upstream was paused, but what had been read already still comes; it queues behind.
      this.#unsent = Buffer.concat([this.#unsent, piece]);
      return;
    }
    const [ok, done] = res.tryEnd(piece, this.#totalBytes);
    if (done) {
      this.#finish(exchange);
    } else if (!ok) {
      const taken = res.getWriteOffset() - at;
      this.#unsent = Buffer.from(piece.subarray(Math.max(0, taken)));
      this.#unsentAt = at + Math.max(0, taken);
      this.#watchWritable(res, exchange);
    }
  }

  /** The client reads slowly: stop the upstream until it has caught up. */
  #watchWritable(res: HttpResponse, exchange: AnsweredExchange): void {
    exchange.onClientBlocked();
    this.#blocked = true;
    if (this.#watching) return;
    this.#watching = true;
    res.onWritable((offset) => {
      try {
        return this.#onWritable(exchange, offset);
      } catch (error) {
        exchange.onFault(error);
        return true;
      }
    });
  }

  #onWritable(exchange: AnsweredExchange, offset: number): boolean {
    const res = this.#res;
    if (res === undefined) return true;
    if (this.#unsent !== undefined) {
      const rest = this.#unsent.subarray(offset - this.#unsentAt);
      if (rest.length > 0) {
        const [ok, done] = res.tryEnd(rest, this.#totalBytes);
        if (done) {
          this.#finish(exchange);
          return true;
        }
        if (!ok) {
          exchange.onClientReads();
          return false;
        }
      }
      this.#unsent = undefined;
    } else {
      // uWS leaves what it has buffered itself alone while a handler like this one is set; an empty cork sends it.
      res.cork(nothing);
    }
    this.#blocked = false;
    if (this.#paused) res.pause();
    if (this.#endWanted) this.#endChunked(exchange);
    else exchange.onClientDrained();
    return true;
  }

  #endChunked(exchange: AnsweredExchange): void {
    if (this.#blocked) {
      this.#endWanted = true; // recorded only when the client has taken what is before it, or a drain would cut that off
      return;
    }
    const res = this.#take();
    // Never with closeConnection: uWS would write `Connection: close` into the body. A drain ends the connection.
    res.cork(() => res.end());
    exchange.onAnswered();
  }

  #finish(exchange: AnsweredExchange): void {
    this.#take();
    this.#unsent = undefined;
    exchange.onAnswered();
  }

  cut(): void {
    const res = this.#res;
    if (res === undefined) return;
    this.#res = undefined;
    res.close();
  }

  /** The last use of the response follows. A socket left paused would never carry another request, nor notice its client leave. */
  #take(): HttpResponse {
    const res = this.#res as HttpResponse;
    if (this.#paused) this.resumeBody();
    this.#res = undefined;
    return res;
  }

  #writeHead(res: HttpResponse, exchange: AnsweredExchange, { parser }: Connection): void {
    exchange.answerStarted = true;
    exchange.status = parser.status;
    this.#headHeld = false;
    if (parser.statusLine !== '200 OK') res.writeStatus(parser.statusLine);
    // One call for all fields: the parser has seen to it that each line is a field and nothing else.
    const own = `${exchange.requestId}\r\n${exchange.extraFields}${exchange.ruleFields}`;
    const fields = passedFields(exchange, parser);
    const block = fields === '' ? own + LAST_LINE : `${own}${fields}\r\n${LAST_LINE}`;
    res.writeHeader('x-request-id', parser.fieldsNonAscii ? Buffer.from(block, 'latin1') : block);
  }

  #onAborted(): void {
    if (this.#res === undefined) return;
    this.#res = undefined;
    try {
      // What was refused counts as that, whether or not its client has waited for the answer.
      if (this.#closing) this.#exchange?.onAnswered();
      else this.#exchange?.onClientGone();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'exchange failed after its client left');
    }
  }
}

/** Writes an answer of the gateway's own, whole. @returns body bytes written */
function writeLocal(res: HttpResponse, exchange: AnsweredExchange, answer: LocalAnswer): number {
  const text = answer.isBytes === true ? Buffer.from(answer.text, 'latin1') : answer.text;
  const bytes = Buffer.byteLength(text);
  const withoutBody = exchange.method === 'HEAD';
  const { requestId } = exchange;
  const fields = exchange.extraFields + exchange.ruleFields;
  res.cork(() => {
    res.writeStatus(`${answer.status} ${reasonPhrase(answer.status)}`);
    if (answer.type !== '') res.writeHeader('content-type', answer.type);
    // uWS writes a value as it is, so that lines of our own making can follow in it.
    const own = fields === '' ? requestId : `${requestId}\r\n${fields.slice(0, -2)}`;
    res.writeHeader('x-request-id', answer.isBytes === true ? Buffer.from(own, 'latin1') : own);
    if (answer.allow !== undefined) res.writeHeader('allow', answer.allow);
    if (answer.retryAfterSeconds !== undefined) res.writeHeader('retry-after', `${answer.retryAfterSeconds}`);
    if (!hasLength(answer.status)) {
      if (answer.close) res.writeHeader('connection', 'close');
      res.endWithoutBody(); // with any argument, even undefined, uWS writes a Content-Length
    } else if (withoutBody) res.endWithoutBody(bytes, answer.close);
    else res.end(text, answer.close);
  });
  return withoutBody ? 0 : bytes;
}
