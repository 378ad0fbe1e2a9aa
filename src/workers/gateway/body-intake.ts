import type { ErrorCode } from '../../shared/errors.ts';
import { BodyDiscard, DISCARD_QUIET_MS } from './body-discard.ts';
import { Forwarding } from './forwarding.ts';
import type { RequestHead } from './request-head.ts';
import { Upload } from './upload.ts';

/**
 * The client's side of a request's body: it is uploaded, or thrown away where the request is refused. A base class
 * rather than a part, for the reason that Forwarding is one.
 */
export abstract class BodyIntake extends Forwarding {
  /** No length was declared, and the end has not come. */
  protected chunkedBody = false;
  #discard: BodyDiscard | undefined = undefined;
  #refusedWith: ErrorCode = 'body_too_large';

  /** What comes of a body before the request may go out is held. */
  protected expectBody(head: RequestHead): void {
    this.upload = new Upload(this, head.contentLength);
    this.#listenForBody();
  }

  /** 413 for a length that says so, inside uWS's handler. */
  protected refuseLongBody(): void {
    this.#listenForBody();
    this.discardBody('body_too_large');
  }

  /** uWS wants to know inside its handler who takes the body. */
  #listenForBody(): void {
    this.answer.onBody((piece, last) => {
      try {
        this.#onBodyPiece(piece, last);
      } catch (error) {
        this.onFault(error);
      }
    });
  }

  #onBodyPiece(piece: ArrayBuffer, last: boolean): void {
    if (this.stage === 'done') return;
    if (this.stage === 'discarding') return this.#onDiscarded(piece.byteLength, last);
    const upload = this.upload as Upload;
    if (upload.receivedBytes + piece.byteLength <= this.routeConfig.maxBodyBytes) upload.receive(piece, last);
    else if (this.answer.started) this.fail('body_too_large');
    else this.discardBody('body_too_large');
  }

  /** More of the request's body may come, and nothing says how much. */
  get hasOpenEndedBody(): boolean {
    return this.chunkedBody && this.upload?.ended !== true;
  }

  /** Bytes of the request's body that were taken. */
  get receivedBytes(): number {
    return this.upload?.receivedBytes ?? 0;
  }

  /**
   * A connection that is closed while the client still sends is reset, and the answer is lost with it: so what comes is
   * thrown away, within bounds, and the answer given when the client has finished or waits.
   */
  protected discardBody(code: ErrorCode): void {
    this.letGo();
    this.#refusedWith = code;
    this.stage = 'discarding';
    const { deadlines } = this.thread;
    this.#discard = new BodyDiscard(deadlines.nowMs);
    deadlines.arm(this, DISCARD_QUIET_MS);
  }

  protected override onDiscardEnds(): void {
    this.fail(this.#refusedWith);
  }

  #onDiscarded(bytes: number, last: boolean): void {
    const { deadlines } = this.thread;
    if (last) this.chunkedBody = false;
    if (last || this.#discard?.isTooMuch(bytes, deadlines.nowMs) === true) this.fail(this.#refusedWith);
    else deadlines.arm(this, DISCARD_QUIET_MS);
  }
}
