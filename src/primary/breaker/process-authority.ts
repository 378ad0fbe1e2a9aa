import { step } from '../../shared/breaker/machine.ts';
import { FRESH } from '../../shared/breaker/state.ts';
import type { BreakerKind, BreakerState, Transition } from '../../shared/breaker/state.ts';
import { snapshotOf } from '../../shared/breaker/sync.ts';
import type { BreakerSnapshot, SyncReply, SyncRequest } from '../../shared/breaker/sync.ts';
import { dated } from './authority-clock.ts';

/**
 * The machine in this process: the truth while there is no Redis, and for an upstream that only this node cannot
 * reach. Same requests and answers as the script in Redis (one contract suite holds for both).
 */
export class ProcessAuthority {
  readonly #states = new Map<string, BreakerState>();
  /** Upstreams this process opened itself and has not closed since. */
  readonly #openedHere = new Set<string>();
  readonly #clock: () => number;
  readonly #aheadMs: number;

  /**
   * @param clock never runs backwards
   * @param aheadMs makes its own time of that; it also starts the epochs, so it should be near the time of day
   */
  constructor(clock: () => number, aheadMs: number) {
    this.#clock = clock;
    this.#aheadMs = aheadMs;
  }

  sync(request: SyncRequest): SyncReply {
    const nowMs = this.#timeAt(this.#clock());
    return request.upstreams.map(({ name, rule, window, random, ops }) => {
      // Alone there is no quorum to wait for.
      const context = { rule, window, random, node: request.node, liveNodes: 1, nowMs };
      let state = this.#states.get(name) ?? FRESH;
      let reason = '';
      const granted: string[] = [];
      for (const op of [{ op: 'look' } as const, ...ops]) {
        const next = step(
          state,
          dated(op, (ms) => this.#timeAt(ms)),
          context,
        );
        state = next.state;
        reason = next.transitions.at(-1)?.reason ?? reason;
        for (const transition of next.transitions) this.#note(name, transition);
        if (next.granted && op.op === 'ask') granted.push(op.permit);
      }
      this.#states.set(name, state);
      return { ...snapshotOf(state, nowMs, request.node), reason, granted };
    });
  }

  /** Goes on from what the cluster last said. Permits of others are not known here and not kept. */
  seed(name: string, from: BreakerSnapshot): void {
    this.#states.set(name, stateFrom(from, this.#timeAt(this.#clock())));
    this.#openedHere.delete(name);
  }

  /** What this process came to by itself, as against what it was seeded with and time alone made of that. */
  ownView(name: string): { readonly kind: BreakerKind; readonly openedHere: boolean } {
    return { kind: this.#states.get(name)?.kind ?? 'CLOSED', openedHere: this.#openedHere.has(name) };
  }

  forget(name: string): void {
    this.#states.delete(name);
    this.#openedHere.delete(name);
  }

  #timeAt(clockMs: number): number {
    return Math.floor(clockMs + this.#aheadMs);
  }

  #note(name: string, { to, reason }: Transition): void {
    if (to === 'OPEN' && reason !== 'operator') this.#openedHere.add(name);
    else if (to === 'OPEN' || to === 'CLOSED') this.#openedHere.delete(name);
  }
}

function stateFrom(from: BreakerSnapshot, nowMs: number): BreakerState {
  const { epoch, failures, trips, successes } = from;
  const narrow = from.narrow === '' ? undefined : from.narrow;
  const forced = from.forced && { sinceMs: nowMs, untilMs: nowMs + from.forced.forMs };
  switch (from.kind) {
    case 'CLOSED':
      return { kind: 'CLOSED', epoch, failures, failedNodes: [], votes: [], forced };
    case 'OPEN':
      return {
        kind: 'OPEN',
        epoch,
        failures,
        trips,
        forced,
        narrow,
        successes,
        openedAtMs: nowMs,
        openUntilMs: nowMs + from.openForMs,
      };
    case 'HALF_OPEN':
      return { kind: 'HALF_OPEN', epoch, failures, trips, successes, permits: [], narrow };
    default:
      return from.kind satisfies never;
  }
}
