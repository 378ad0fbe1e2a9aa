import type { WebSocketConfig } from '../../../shared/config/types.ts';
import { CLOSE } from './close-codes.ts';
import type { FrameRules, ReservedBits } from './frame-reader.ts';
import type { Refusal } from './gate.ts';
import { closeFrame } from './own-frames.ts';
import { Side } from './side.ts';
import type { SideOwner } from './side.ts';
import type { TunnelEnd } from './tunnel-end.ts';

/** How long a frame that is on its way may take to end, and a peer to answer, once we have said that it is over. */
const OUR_CLOSE_MS = 5_000;
/** How long a peer may take to answer the other's close frame. */
const PEER_CLOSE_MS = 30_000;

// One each for all tunnels: an idle one is mostly memory.
const MASKED = rulesOf(true);
const UNMASKED = rulesOf(false);

export type ClosedBy = 'client' | 'upstream' | 'gateway';

/** What a tunnel has of its thread. */
export interface TunnelHost {
  /** By the thread's coarse clock. */
  readonly nowMs: number;
  onMessage(tunnel: Tunnel, from: 'client' | 'upstream'): void;
  onMessageBytes(tunnel: Tunnel, from: 'client' | 'upstream', bytes: number): void;
  /** One was not let pass. */
  onMessageRefused(tunnel: Tunnel): void;
  /** Both ends have been let go of. */
  onOver(tunnel: Tunnel): void;
  onFault(tunnel: Tunnel, error: unknown): void;
}

export interface TunnelParts {
  readonly client: TunnelEnd;
  readonly upstream: TunnelEnd;
  /** What the handshake has given the reserved bits of frames. */
  readonly reserved: ReservedBits;
  readonly config: WebSocketConfig;
  readonly host: TunnelHost;
}

/**
 * A WebSocket after its 101: two connections, and what passes between them. A close frame of ours goes to both ends, to
 * each between two frames; each end is let go of once it has been told, and has said its last.
 */
export class Tunnel implements SideOwner {
  readonly client: Side;
  readonly upstream: Side;
  readonly openedMs: number;
  /** Settings of its route; a reload changes them. */
  config: WebSocketConfig;
  /** Who ended it, and with what; `''` while it goes on. */
  closedBy: ClosedBy | '' = '';
  code = 0;
  readonly #host: TunnelHost;
  #passedMs: number;
  /** Then whatever is left of it is cut; -1 = it goes on. */
  #cutAtMs = -1;
  #isOver = false;

  constructor({ client, upstream, reserved, config, host }: TunnelParts) {
    this.#host = host;
    this.config = config;
    this.openedMs = host.nowMs;
    this.#passedMs = host.nowMs;
    this.client = new Side({ name: 'client', end: client, rules: MASKED[reserved], tunnel: this });
    this.upstream = new Side({ name: 'upstream', end: upstream, rules: UNMASKED[reserved], tunnel: this });
    this.client.other = this.upstream;
    this.upstream.other = this.client;
  }

  /** Takes what comes from now on. */
  begin(): void {
    // The upstream first: the client's end tells at once of what came before its turn.
    this.upstream.end.begin(this.upstream);
    this.client.end.begin(this.client);
  }

  get nowMs(): number {
    return this.#host.nowMs;
  }

  get maxMessageBytes(): number {
    return this.config.maxMessageBytes;
  }

  /** It has not begun to end. */
  get isOpen(): boolean {
    return this.closedBy === '';
  }

  /** Ends it from our side: both ends get a close frame. */
  close(code: number, reason: string): void {
    this.#note('gateway', code);
    this.#cutWithin(OUR_CLOSE_MS);
    this.client.endPassing(closeFrame(code, reason, this.upstream.isMasked));
    this.upstream.endPassing(closeFrame(code, reason, this.client.isMasked));
    this.onProgress();
  }

  /** Ends it at once, without a word. */
  cut(): void {
    for (const side of [this.client, this.upstream]) {
      if (side.over) continue;
      side.over = true;
      side.end.abandon();
    }
    this.onProgress();
  }

  onMessage(side: Side): void {
    this.#host.onMessage(this, side.name);
  }

  onMessageBytes(side: Side, bytes: number): void {
    this.#host.onMessageBytes(this, side.name, bytes);
  }

  onPassed(): void {
    this.#passedMs = this.#host.nowMs;
  }

  onRefused({ code, reason }: Refusal): void {
    if (code !== CLOSE.protocolError) this.#host.onMessageRefused(this);
    this.close(code, reason);
  }

  onClose(side: Side, code: number): void {
    this.#note(side.name, code);
    this.#cutWithin(PEER_CLOSE_MS);
    this.onProgress();
  }

  /** Lets go of each end that is through. */
  onProgress(): void {
    this.#letGo(this.client);
    this.#letGo(this.upstream);
    if (this.#isOver || !this.client.over || !this.upstream.over) return;
    this.#isOver = true;
    this.#host.onOver(this);
  }

  #letGo(side: Side): void {
    if (side.over || !side.told || !side.said) return;
    side.over = true;
    side.end.finish();
  }

  /** An end of TCP after a close frame is in order; it may still be told the other's answer. */
  onEnd(side: Side): void {
    if (side.said) return;
    side.said = true;
    if (!side.over) {
      side.over = true;
      side.end.finish();
    }
    this.#onLost(side);
  }

  onGone(side: Side): void {
    const wasInOrder = side.said;
    side.said = true;
    side.over = true;
    if (wasInOrder && side.told) this.onProgress();
    else this.#onLost(side);
  }

  /** One end is gone without a close frame: the client hears that with one of ours, the upstream as if nobody were between. */
  #onLost(side: Side): void {
    const { other } = side;
    this.#note(side.name, CLOSE.abnormal);
    this.#cutWithin(OUR_CLOSE_MS);
    if (!other.over && !other.told) {
      if (other === this.upstream) {
        other.over = true;
        other.end.finish();
      } else if (side.isBetween) {
        side.endPassing(closeFrame(CLOSE.badGateway, 'upstream gone', false));
      } else {
        other.over = true;
        other.end.abandon(); // the frame that it has a part of will never end
      }
    }
    this.onProgress();
  }

  onFault(error: unknown): void {
    this.#host.onFault(this, error);
    this.close(CLOSE.internalError, 'internal error');
  }

  /** Every second. */
  look(): void {
    const { nowMs } = this.#host;
    const { idleMs, maxMs, pingMs } = this.config;
    if (this.#cutAtMs >= 0) {
      if (nowMs >= this.#cutAtMs) this.cut();
    } else if (maxMs > 0 && nowMs - this.openedMs >= maxMs) {
      this.close(CLOSE.goingAway, 'open for too long');
    } else if (idleMs > 0 && nowMs - this.#passedMs >= idleMs && !this.#holds) {
      this.close(CLOSE.goingAway, 'idle');
    } else if (pingMs > 0) {
      if (this.client.isSilent(pingMs)) this.#giveUp(this.client);
      else if (this.upstream.isSilent(pingMs)) this.#giveUp(this.upstream);
    }
  }

  /** A message waits for leave to pass: it is not idle. */
  get #holds(): boolean {
    return this.client.holds || this.upstream.holds;
  }

  #giveUp(side: Side): void {
    side.said = true;
    side.over = true;
    side.end.abandon();
    this.#onLost(side);
  }

  /** What ended it first is why it ended. */
  #note(by: ClosedBy, code: number): void {
    if (this.closedBy !== '') return;
    this.closedBy = by;
    this.code = code;
  }

  #cutWithin(ms: number): void {
    const atMs = this.#host.nowMs + ms;
    if (this.#cutAtMs < 0 || atMs < this.#cutAtMs) this.#cutAtMs = atMs;
  }
}

function rulesOf(masked: boolean): Readonly<Record<ReservedBits, FrameRules>> {
  return {
    none: { masked, reserved: 'none' },
    compression: { masked, reserved: 'compression' },
    any: { masked, reserved: 'any' },
  };
}
