import type { ErrorCode } from '../../../shared/errors.ts';
import type { ClientCertificate } from '../identity/certificates/client-certificate.ts';
import type { Connection } from '../upstream/connection.ts';
import type { FieldFilter } from '../rules/field-filter.ts';
import type { ResponseParser } from '../upstream/response-parser.ts';
import type { TunnelEnd } from '../websocket/tunnel-end.ts';
import type { LocalAnswer } from './local-answer.ts';

/** What of an answer waits until those before it on the connection have been given; a front defines it. */
export interface HeldAnswer {
  readonly bytes: number;
}

/** An exchange as the client's side sees it: what the answer is made of, and whom to tell. */
export interface AnsweredExchange {
  readonly method: string;
  readonly requestId: string;
  /** Fields that the limits and the breaker add, each line with its CRLF. */
  readonly extraFields: string;
  /** Fields that rules of its route add, like these. */
  readonly ruleFields: string;
  /** Of its route. */
  readonly rules: { readonly answerFilter: FieldFilter | undefined } | undefined;
  /** The connection carries no further request after this one: the thread drains, or the rest of the body has no known end. */
  readonly closesAfter: boolean;
  /** The thread drains. */
  readonly drains: boolean;
  /** The client takes trailers of the answer. */
  readonly takesTrailers: boolean;
  answerStarted: boolean;
  status: number;
  bytesSent: number;
  /** A 1xx has reached the client. */
  informed: boolean;
  /** The front's own: how the body is delimited for the client. */
  answerFraming: number;
  /** The exchange behind it, where a connection has several. */
  nextInLine: AnsweredExchange | undefined;
  /** `undefined` = no other stands before it on its connection. */
  heldAnswer: HeldAnswer | undefined;
  /** It came behind others on its connection, and waits for these: there was no room for it beside them. */
  readonly waitsForTurn: boolean;
  /** One of those is over. */
  onTurn(): void;
  /** The next piece of the request's body is the last; it may be empty. */
  onBodyEnds(): void;
  /** Bytes [from, to) of it, in memory that is the front's and gone when this returns. */
  onBody(bytes: Buffer, from: number, to: number): void;
  /** @param lines of the request's trailer section, each with its CRLF; before the last piece */
  onTrailers(lines: string): void;
  /** The client's socket is full. */
  onClientBlocked(): void;
  /** It has taken something, but not all that waits for it. */
  onClientReads(): void;
  /** It takes more. */
  onClientDrained(): void;
  /** The answer has been given to the client, whole. */
  onAnswered(): void;
  onClientGone(): void;
  /** Ends the exchange from our side: with an answer, or by cutting the one that has begun. */
  fail(code: ErrorCode): void;
  onFault(error: unknown): void;
}

/**
 * What an exchange may do to its client. Each front implements it: on the native front it is the connection, for one
 * exchange after the other; on uWebSockets.js one for each exchange. Answers are given in the order of the requests,
 * whatever the order in which exchanges call. After the client is gone every call does nothing.
 */
export interface ClientSide {
  /** Canonical text; '' when the client is gone. */
  peerAddress(): string;
  /** That its connection has proved to have; `undefined` = none. Asked while the request's header is at hand. */
  certificate(): ClientCertificate | undefined;
  /** An answer of the gateway's own, whole. */
  local(exchange: AnsweredExchange, answer: LocalAnswer): void;
  /** A 102 or 103 (RFC 9110, section 15.2). @param fields lines without the last CRLF, or '' */
  informational(exchange: AnsweredExchange, statusLine: string, fields: string): void;
  /** What one read from the upstream brought of the answer: its head, a piece of its body, its end. */
  forward(exchange: AnsweredExchange, read: Connection): void;
  /** The answer cannot be finished: the client must not take what it has for the whole (RFC 9112, section 8). */
  cut(exchange: AnsweredExchange, code: ErrorCode): void;
  /** The exchange will read the body: a client that waits for `100 Continue` may send it. */
  wantBody(exchange: AnsweredExchange): void;
  /** No more of the request's body for now; pieces that are here already still come. */
  pauseBody(exchange: AnsweredExchange): void;
  resumeBody(exchange: AnsweredExchange): void;
  /** Every few seconds of an upload that is not paused. */
  keepUploadAlive(exchange: AnsweredExchange): void;
  /** Bytes that the client's socket has not taken. */
  unsentBytes(exchange: AnsweredExchange): number;
  /** Of the client's socket; -1 where it cannot be known, or the answer's turn has not come. */
  socketDescriptor(exchange: AnsweredExchange): number;
  /**
   * Gives the client a 101, whole, and ends the exchange's part in the connection: what comes from now on is another
   * protocol's. `undefined`: this front cannot.
   * @returns nothing where the client is gone
   */
  readonly switchProtocols?: (exchange: AnsweredExchange, head: ResponseParser) => TunnelEnd | undefined;
}
