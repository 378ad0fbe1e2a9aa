import type { OnMessageRefused } from '../../../shared/config/types.ts';
import type { Decision, Waiter } from '../../../shared/limits/decision.ts';
import type { LimitLane } from '../limits/limit-lane.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Overrides } from '../limits/overrides.ts';
import type { RouteLimit } from '../limits/thread-limits.ts';
import { CLOSE } from './close-codes.ts';
import type { Gate, Refusal } from './gate.ts';
import { MessageLine } from './message-line.ts';
import type { WaitingMessage } from './message-line.ts';

/** What messages of a route pay, and what becomes of those that cannot. */
export interface MessageLimit {
  readonly route: string;
  readonly limit: RouteLimit;
  readonly onRefused: OnMessageRefused;
}

/** Whose messages they are. */
export interface MessageSender {
  /** Name of its buckets. */
  readonly client: string;
  readonly address: string;
}

/** Reasons of close frames are codes that requests are refused with. */
const RATE_LIMITED: Refusal = { code: CLOSE.policyViolation, reason: 'rate_limited' };
const BANNED: Refusal = { code: CLOSE.policyViolation, reason: 'client_banned' };
const UNAVAILABLE: Refusal = { code: CLOSE.tryAgainLater, reason: 'limits_unavailable' };

/** What a gate does to the messages that it has let wait. */
export interface GatedSide {
  /** One waits. */
  readonly holds: boolean;
  release(): void;
  refuse(refusal: Refusal): void;
}

/** What of a thread's limits messages go by. */
export interface MessageLimits {
  readonly limiter: Pick<Limiter, 'request'>;
  readonly overrides: Overrides;
  readonly keys: { nameOfAddress(address: string): string };
  readonly shadow: { refused(route: string): void };
  /** Who gets refusals. */
  readonly refused: { add(client: string): void };
  isExempt(address: string, client: string): boolean;
  addressName(address: string): string;
}

/** The limits of messages on a thread. */
export class MessageGates {
  readonly limits: MessageLimits;
  readonly clock: () => number;
  readonly #lines = new Map<LimitLane, Map<string, MessageLine>>();

  constructor(limits: MessageLimits, clock: () => number) {
    this.limits = limits;
    this.clock = clock;
  }

  /** The line of those that wait, where some do. */
  find(lane: LimitLane, client: string): MessageLine | undefined {
    return this.#lines.size === 0 ? undefined : this.#lines.get(lane)?.get(client);
  }

  lineOf(lane: LimitLane, client: string): MessageLine {
    const found = this.find(lane, client);
    if (found !== undefined) return found;
    let lines = this.#lines.get(lane);
    if (lines === undefined) this.#lines.set(lane, (lines = new Map()));
    const onEmpty = (): void => this.#forget(lane, client);
    const line = new MessageLine({ limiter: this.limits.limiter, lane, client, clock: this.clock, onEmpty });
    lines.set(client, line);
    return line;
  }

  #forget(lane: LimitLane, client: string): void {
    const lines = this.#lines.get(lane);
    lines?.delete(client);
    if (lines?.size === 0) this.#lines.delete(lane);
  }

  /** Lines with somebody in them, for the leak check. */
  get size(): number {
    let count = 0;
    for (const lines of this.#lines.values()) count += lines.size;
    return count;
  }

  close(): void {
    for (const lines of this.#lines.values()) for (const line of lines.values()) line.close();
    this.#lines.clear();
  }
}

/** Asks the limiter for each message of one client's WebSocket, as an exchange does for a request. */
export class MessageGate implements Gate, Waiter, WaitingMessage {
  startedMs = 0;
  refusal = RATE_LIMITED;
  readonly #gates: MessageGates;
  readonly #sender: MessageSender;
  readonly #side: GatedSide;
  #limit: MessageLimit | undefined = undefined;
  #exempt = false;
  #asks = false;
  #line: MessageLine | undefined = undefined;

  constructor(gates: MessageGates, sender: MessageSender, side: GatedSide) {
    this.#gates = gates;
    this.#sender = sender;
    this.#side = side;
  }

  /** Other settings: a message that waits asks anew. @param limit `undefined` = every message passes */
  apply(limit: MessageLimit | undefined): void {
    const { client, address } = this.#sender;
    this.#limit = limit;
    this.#exempt = limit === undefined || this.#gates.limits.isExempt(address, client);
    const lane = limit?.limit.lane;
    if (!this.#side.holds || this.#asks || (this.#line !== undefined && this.#line.lane === lane && !this.#exempt))
      return;
    this.#line = undefined;
    this.#go(this.onMessage());
  }

  onMessage(): 'pass' | 'wait' | 'refuse' {
    const { limits } = this.#gates;
    const { client } = this.#sender;
    if (this.#exempt) return 'pass';
    if (!limits.overrides.isEmpty) {
      const word = this.#override();
      if (word === 'EXEMPT') return 'pass';
      if (word === 'BANNED') return 'refuse';
    }
    const { limit, onRefused } = this.#limit as MessageLimit;
    if (onRefused === 'pause') {
      const line = this.#gates.find(limit.lane, client);
      if (line !== undefined && !line.isEmpty) return this.#wait(line, 0);
    }
    const decision = limits.limiter.request(client, limit.lane, this);
    if (decision !== undefined) return this.#answer(decision);
    this.startedMs = this.#gates.clock();
    this.#asks = true;
    return 'wait';
  }

  #override(): 'EXEMPT' | 'BANNED' | undefined {
    const { client, address } = this.#sender;
    const { overrides, keys } = this.#gates.limits;
    const word = overrides.find(client, keys.nameOfAddress(address))?.state;
    if (word === 'BANNED') this.refusal = BANNED;
    return word;
  }

  #answer({ outcome, retryAfterMs }: Decision): 'pass' | 'wait' | 'refuse' {
    if (outcome === 'granted') return 'pass';
    const { limits } = this.#gates;
    const { limit, onRefused, route } = this.#limit as MessageLimit;
    if (limit.shadow) {
      limits.shadow.refused(route);
      return 'pass';
    }
    if (onRefused === 'pause') return this.#wait(this.#gates.lineOf(limit.lane, this.#sender.client), retryAfterMs);
    this.refusal = outcome === 'refused' ? RATE_LIMITED : UNAVAILABLE;
    if (outcome === 'refused') limits.refused.add(this.#sender.client);
    return 'refuse';
  }

  #wait(line: MessageLine, waitMs: number): 'wait' {
    this.#line = line;
    line.join(this, waitMs);
    return 'wait';
  }

  /** The store has answered. */
  onDecision(decision: Decision): void {
    this.#asks = false;
    if (!this.#side.holds) return; // the WebSocket has ended meanwhile
    this.#go(this.#exempt ? 'pass' : this.#answer(decision));
  }

  #go(answer: 'pass' | 'wait' | 'refuse'): void {
    if (answer === 'pass') this.#side.release();
    else if (answer === 'refuse') this.#side.refuse(this.refusal);
  }

  waitsIn(line: MessageLine): boolean {
    return this.#line === line && this.#side.holds;
  }

  onTurn(): void {
    this.#line = undefined;
    this.#side.release();
  }

  addressName(): string {
    return this.#gates.limits.addressName(this.#sender.address);
  }
}
