import { latin1 } from '../upstream/http-bytes.ts';
import { BROKEN, FrameReader, MORE, OPCODE } from './frame-reader.ts';
import type { FrameRules } from './frame-reader.ts';
import type { Gate, Refusal } from './gate.ts';
import { PING_BYTES, pingFrame, pingPayload, unmasked } from './own-frames.ts';
import { CLOSE, closeCode, mayStandInFrame } from './close-codes.ts';
import type { EndListener, TunnelEnd } from './tunnel-end.ts';

// How far what comes from an end is passed on to the other one.
const PASSING = 0;
/** Up to the end of the frame that is on its way; then the other end gets a close frame of ours. */
const ENDING = 1;
/** No further: the other end has had a close frame, or is gone. What comes is still read, to find a close frame in it. */
const DROPPING = 2;

// Why an end is not read.
const BLOCKED = 1;
const HELD = 2;

const TOO_BIG: Refusal = { code: CLOSE.tooBig, reason: 'message too big' };
const NOTHING = Buffer.alloc(0);

/** What a side tells its tunnel, and asks it. */
export interface SideOwner {
  /** By the thread's coarse clock. */
  readonly nowMs: number;
  readonly maxMessageBytes: number;
  onMessage(side: Side): void;
  /** A frame of a message passes, of so many bytes. */
  onMessageBytes(side: Side, bytes: number): void;
  /** Some frame, if only a part of it, has passed. */
  onPassed(): void;
  /** What came is not passed on: both ends get a close frame that says so. */
  onRefused(refusal: Refusal): void;
  /** Its close frame has been passed on. @param code what it says; 1005 = nothing */
  onClose(side: Side, code: number): void;
  /** It has said its last, or the other was told ours. */
  onProgress(): void;
  onEnd(side: Side): void;
  onGone(side: Side): void;
  onFault(error: unknown): void;
}

export interface SideParts {
  readonly name: 'client' | 'upstream';
  readonly end: TunnelEnd;
  readonly rules: FrameRules;
  readonly tunnel: SideOwner;
}

/**
 * One end of a tunnel, and what comes from it: frames are looked at as they pass, and passed on as they came. All bytes of
 * a read leave in one write. Held back are the parts of a header, of a close frame, and of a pong that may be the answer
 * to a ping of ours, until they are whole.
 */
export class Side implements EndListener {
  readonly name: 'client' | 'upstream';
  readonly end: TunnelEnd;
  /** When something came last, or what was written left. */
  heardMs: number;
  /** A close frame has been written to this end. */
  told = false;
  /** A close frame has come from it, or its end. */
  said = false;
  /** Nothing is done with it any more. */
  over = false;
  /** Asked at the beginning of each message that comes from this end; see gate.ts. */
  gate: Gate | undefined = undefined;
  readonly #tunnel: SideOwner;
  readonly #reader: FrameReader;
  #other: Side | undefined = undefined;
  #passing = PASSING;
  #closeFrame = '';
  /** Bytes of the frame at hand that have been held back, one char a byte. */
  #held = '';
  /** The frame at hand is held back until it is whole. */
  #watched = false;
  /** The bytes cannot be read as frames any more. */
  #broken = false;
  /** Came behind the header of a message that may not pass yet. */
  #waiting: Buffer | undefined = undefined;
  /** What is read has waited before: its memory is nobody else's. */
  #rereads = false;
  #pausedBy = 0;
  /** What our last ping carries, until its pong has come. */
  #ping = '';
  /** Nothing has come since it was sent. */
  #pinged = false;

  constructor({ name, end, rules, tunnel }: SideParts) {
    this.name = name;
    this.end = end;
    this.#tunnel = tunnel;
    this.#reader = new FrameReader(rules);
    this.heardMs = tunnel.nowMs;
  }

  /** Set once, before anything comes. */
  set other(side: Side) {
    this.#other = side;
  }

  get other(): Side {
    return this.#other as Side;
  }

  /** What is written to an upstream is masked, as we are its client. */
  get isMasked(): boolean {
    return this.name === 'upstream';
  }

  /** The other end is in the middle of no frame: one of ours may be written to it. */
  get isBetween(): boolean {
    return this.#passing === PASSING && (this.#reader.remaining === 0 || this.#watched);
  }

  onBytes(bytes: Buffer, from: number, to: number): void {
    this.heardMs = this.#tunnel.nowMs;
    this.#pinged = false;
    try {
      if (this.#waiting !== undefined) this.#waiting = Buffer.concat([this.#waiting, bytes.subarray(from, to)]);
      else if (this.#passing === DROPPING) this.#drop(bytes, from, to);
      else this.#read(bytes, from, to);
    } catch (error) {
      this.#tunnel.onFault(error);
    }
  }

  onEnd(): void {
    this.#tunnel.onEnd(this);
  }

  onGone(): void {
    this.#tunnel.onGone(this);
  }

  /** This end takes more. */
  onDrained(): void {
    this.heardMs = this.#tunnel.nowMs;
    this.#pinged = false;
    this.other.#resume(BLOCKED);
  }

  #read(bytes: Buffer, from: number, to: number): void {
    const reader = this.#reader;
    let start = from; // of what passes on, behind what is held
    let frame = from; // where the frame at hand begins, or goes on
    let at = from;
    while (at < to) {
      if (reader.remaining === 0) {
        frame = at;
        const next = reader.readHeader(bytes, at, to);
        if (next === MORE) {
          this.#passUpTo(frame, bytes, start);
          this.#held += latin1(bytes, frame, to);
          return;
        }
        if (next === BROKEN) {
          this.#passUpTo(frame, bytes, start);
          this.#break(reader.fault);
          return;
        }
        at = next;
        if (reader.isControl) this.#watched = this.#isWorthWatching;
        else if (!this.#admit(bytes, { start, frame, next, to })) return;
      }
      at = reader.skipPayload(at, to);
      if (reader.remaining > 0) break;
      if (this.#watched) {
        this.#watched = false;
        const raw = (frame === start ? this.#held : '') + latin1(bytes, frame, at);
        if (reader.opcode === OPCODE.CLOSE) {
          this.#onCloseFrame(raw, bytes, { start, frame, end: at });
          return;
        }
        if (this.#isOwnPong(raw)) {
          this.#passUpTo(frame, bytes, start);
          this.#held = '';
          start = at;
        }
      }
      if (this.#passing === ENDING) {
        this.#pass(bytes, start, at);
        this.#sayClose();
        this.#drop(bytes, at, to);
        return;
      }
    }
    if (this.#watched) {
      this.#passUpTo(frame, bytes, start);
      this.#held += latin1(bytes, frame, to);
    } else {
      this.#pass(bytes, start, to);
    }
  }

  get #isWorthWatching(): boolean {
    const { opcode, payloadLength } = this.#reader;
    return opcode === OPCODE.CLOSE || (opcode === OPCODE.PONG && this.#ping !== '' && payloadLength === PING_BYTES);
  }

  /** Passes what comes before the frame at hand; what is held is of that frame where nothing does. */
  #passUpTo(frame: number, bytes: Buffer, start: number): void {
    if (frame > start) this.#pass(bytes, start, frame);
  }

  #pass(bytes: Buffer, from: number, to: number): void {
    const before = this.#held;
    if (to === from && before === '') return;
    this.#held = '';
    const { end } = this.other;
    end.pass({ before, bytes, from, to }, this.end.bringsPieces);
    this.#tunnel.onPassed();
    if (end.isBlocked) this.#pause(BLOCKED);
  }

  /** Whether the data frame whose header ends at `next` may pass now. */
  #admit(bytes: Buffer, { start, frame, next, to }: Record<'start' | 'frame' | 'next' | 'to', number>): boolean {
    const { beginsMessage, messageBytes, payloadLength } = this.#reader;
    const answer = beginsMessage && this.gate !== undefined ? this.gate.onMessage(payloadLength) : 'pass';
    const refusal = messageBytes > this.#tunnel.maxMessageBytes ? TOO_BIG : this.gate?.refusal;
    if (answer === 'pass' && refusal !== TOO_BIG) {
      this.#count();
      return true;
    }
    this.#passUpTo(frame, bytes, start);
    this.#watched = true; // nothing of it has passed
    if (answer === 'wait' && refusal !== TOO_BIG) {
      this.#held += latin1(bytes, frame, next);
      const rest = bytes.subarray(next, to);
      this.#waiting = this.#rereads ? rest : Buffer.from(rest);
      this.#pause(HELD);
    } else {
      this.#tunnel.onRefused(refusal ?? TOO_BIG);
      this.#drop(bytes, next, to);
    }
    return false;
  }

  #count(): void {
    const { beginsMessage, payloadLength } = this.#reader;
    if (beginsMessage) this.#tunnel.onMessage(this);
    this.#tunnel.onMessageBytes(this, payloadLength);
  }

  /** The message that was not let pass may pass now. */
  release(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#watched = false;
    try {
      this.#count();
      if (this.#reader.remaining === 0) this.#pass(NOTHING, 0, 0);
      this.#rereads = true;
      this.#read(waiting, 0, waiting.length);
    } catch (error) {
      this.#tunnel.onFault(error);
    }
    this.#rereads = false;
    if (!this.holds) this.#resume(HELD);
  }

  /** It never may pass. */
  refuse(refusal: Refusal): void {
    if (this.holds) this.#tunnel.onRefused(refusal);
  }

  /** A message waits for `release`. */
  get holds(): boolean {
    return this.#waiting !== undefined;
  }

  /** What comes cannot be read any further. */
  #break(fault: string): void {
    this.#broken = true;
    this.#tunnel.onRefused({ code: CLOSE.protocolError, reason: fault });
  }

  #onCloseFrame(raw: string, bytes: Buffer, { start, frame, end }: Record<'start' | 'frame' | 'end', number>): void {
    const { headerLength, mask, payloadLength } = this.#reader;
    const code = closeCode(unmasked(raw.slice(headerLength, headerLength + 2), mask));
    if (payloadLength > 0 && !mayStandInFrame(code)) {
      this.#passUpTo(frame, bytes, start);
      this.#break('a close code that may not be sent');
      return;
    }
    this.#pass(bytes, start, end);
    this.#passing = DROPPING;
    this.said = true;
    this.other.told = true;
    this.#tunnel.onClose(this, code);
  }

  /** Whether a frame is the answer to our ping: who did not send that gets no answer to it. */
  #isOwnPong(raw: string): boolean {
    const { headerLength, mask } = this.#reader;
    if (unmasked(raw.slice(headerLength), mask) !== this.#ping) return false;
    this.#ping = '';
    return true;
  }

  /** Ends what is passed on, between two frames, with a close frame for the other end. */
  endPassing(closeFrame: string): void {
    if (this.#passing !== PASSING) return;
    this.#closeFrame = closeFrame;
    if (this.isBetween) this.#sayClose();
    else this.#passing = ENDING;
  }

  #sayClose(): void {
    const waiting = this.#waiting ?? NOTHING;
    this.#passing = DROPPING;
    this.#held = '';
    this.#watched = false;
    this.#waiting = undefined;
    this.other.told = true;
    if (!this.other.over) this.other.end.say(this.#closeFrame);
    this.#drop(waiting, 0, waiting.length);
    this.#resume(BLOCKED | HELD); // its close frame may be behind what nobody wants
    this.#tunnel.onProgress();
  }

  /** Reads on, only to find a close frame. */
  #drop(bytes: Buffer, from: number, to: number): void {
    const reader = this.#reader;
    let at = from;
    while (at < to && !this.said && !this.#broken) {
      if (reader.remaining === 0) {
        const next = reader.readHeader(bytes, at, to);
        if (next === MORE) return;
        this.#broken = next === BROKEN;
        if (this.#broken) return;
        at = next;
      }
      at = reader.skipPayload(at, to);
      if (reader.remaining > 0 || reader.opcode !== OPCODE.CLOSE) continue;
      this.said = true;
      this.#tunnel.onProgress();
    }
  }

  #pause(reason: number): void {
    if (this.#passing === DROPPING || this.over) return;
    if (this.#pausedBy === 0) this.end.pauseReading();
    this.#pausedBy |= reason;
  }

  #resume(reasons: number): void {
    if ((this.#pausedBy & reasons) === 0) return;
    this.#pausedBy &= ~reasons;
    if (this.#pausedBy !== 0 || this.over) return;
    this.heardMs = this.#tunnel.nowMs;
    this.end.resumeReading();
  }

  /** Every second: pings it when nothing has come for long. @returns whether it has been silent for so long that it must be gone */
  isSilent(pingMs: number): boolean {
    // Who is not read cannot be heard.
    if (this.over || this.#pausedBy !== 0) return false;
    const quietMs = this.#tunnel.nowMs - this.heardMs;
    if (quietMs < pingMs) return false;
    if (this.#pinged) return quietMs >= 2 * pingMs;
    if (!this.other.isBetween || this.told) return false;
    this.#pinged = true;
    this.#ping = pingPayload();
    this.end.say(pingFrame(this.#ping, this.isMasked));
    return false;
  }
}
