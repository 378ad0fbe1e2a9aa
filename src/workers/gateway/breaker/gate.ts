import { FIELD, FLAG, KIND, kindOf, rowOf } from '../../../shared/breaker/memory.ts';
import type { FromBreakerThread, ToBreakerThread } from '../../../shared/breaker/messages.ts';
import { OUTCOME } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';
import { untilWrapped } from '../../../shared/breaker/process-clock.ts';
import type { BreakerKind, ProbeOutcome } from '../../../shared/breaker/state.ts';
import { PENDING } from '../../../shared/breaker/tally.ts';
import { countClosed, isClosedToken, raiseAttention } from './closed-counts.ts';

/** Answers of `check` that are not a token. */
export const REFUSE = -1;
/** HALF_OPEN, and a permit may be free: call `ask`. */
export const ASK = -2;
/** A token whose outcome nobody wants (shadow mode, or an exchange that never got as far as the gate). */
export const UNTRACKED = -3;
/** Tokens from here down are probes: FIRST_PROBE - id. */
const FIRST_PROBE = -16;

/** Whether the token is a probe's permit, which others wait for. */
export const isProbe = (token: number): boolean => token <= FIRST_PROBE;

/** A front that is too busy to answer must not hold requests. */
const ASK_DEADLINE_MS = 250;

export interface GateOptions {
  readonly memory: SharedArrayBuffer;
  /** Sends to the front, which passes it to `BreakerFront.receive`. */
  readonly post: (message: FromBreakerThread) => void;
  /** createProcessClock(): all threads and the front must agree on it. */
  readonly clock: () => number;
}

/**
 * One request thread's side of the breakers. Per request: `check`, perhaps `ask`, and exactly one `outcome` with the
 * token. While the upstream is CLOSED and succeeding `check` is one Int32 read and `outcome` a few plain reads.
 */
export interface BreakerGate {
  /** A token to keep for `outcome`, or REFUSE (answer 503 circuit_open), or ASK. */
  check(place: number): number;
  /**
   * After ASK. `resume` is called exactly once, later or at once, with a token or REFUSE. An exchange that is over by
   * then still reports the token, as IGNORED, so that the permit goes back.
   */
  ask(place: number, resume: (token: number) => void): void;
  /** Call once per token, whatever became of the exchange; a second call for a probe does nothing. */
  outcome(place: number, token: number, outcome: BreakerOutcome): void;
  /** Whole seconds until the next probe, at least 1. */
  retryAfterSeconds(place: number): number;
  /** For X-Circuit-Breaker. */
  state(place: number): BreakerKind;
  receive(message: ToBreakerThread): void;
  /** Refuses what still waits. The front hears of the thread's end by itself. */
  close(): void;
}

interface Waiting {
  readonly place: number;
  readonly resume: (token: number) => void;
  readonly timer: NodeJS.Timeout;
}

export function createGate(options: GateOptions): BreakerGate {
  const { post, clock } = options;
  const words = new Int32Array(options.memory);
  const waiting = new Map<number, Waiting>();
  const probing = new Set<number>();
  const asking = new Map<number, number>();
  let lastId = 0;

  /** Refused, or in shadow counted and let pass. */
  function refuse(row: number): number {
    Atomics.add(words, row + FIELD.REFUSED, 1);
    return (Atomics.load(words, row + FIELD.FLAGS) & FLAG.SHADOW) === 0 ? REFUSE : UNTRACKED;
  }

  function settle(id: number, granted: boolean): void {
    const ask = waiting.get(id);
    if (ask === undefined) {
      if (granted) post({ type: 'breaker-result', id, outcome: 'aborted' }); // came too late: give it back
      return;
    }
    waiting.delete(id);
    clearTimeout(ask.timer);
    asking.set(ask.place, (asking.get(ask.place) ?? 1) - 1);
    if (granted) probing.add(id);
    if (granted) return ask.resume(FIRST_PROBE - id);
    // It may have closed since: this request is then like any other.
    const word = Atomics.load(words, rowOf(ask.place) + FIELD.WORD);
    ask.resume((word & 3) === KIND.CLOSED ? word : refuse(rowOf(ask.place)));
  }

  function probeOutcome(row: number, outcome: BreakerOutcome): ProbeOutcome {
    if (outcome === OUTCOME.IGNORED) return 'aborted';
    if (outcome === OUTCOME.FAILURE) return 'failure';
    return outcome === OUTCOME.SLOW && Atomics.load(words, row + FIELD.SLOW_PERMILLE) > 0 ? 'failure' : 'success';
  }

  return {
    check(place) {
      const row = rowOf(place);
      // Plain reads on the healthy path: an Atomics.load costs several times as much here, and a store of another
      // thread is seen by the next turn of the event loop just as well. Everything that decides uses Atomics.
      const word = words[row + FIELD.WORD] ?? 0;
      if ((word & 3) === KIND.CLOSED) return word;
      if ((word & 3) === KIND.OPEN || untilWrapped(Atomics.load(words, row + FIELD.DENIED_UNTIL), clock()) > 0) {
        return refuse(row);
      }
      return (asking.get(place) ?? 0) < Atomics.load(words, row + FIELD.ASK_LIMIT) ? ASK : refuse(row);
    },
    ask(place, resume) {
      const id = ++lastId;
      const timer = setTimeout(settle, ASK_DEADLINE_MS, id, false);
      waiting.set(id, { place, resume, timer });
      asking.set(place, (asking.get(place) ?? 0) + 1);
      post({ type: 'breaker-ask', place, id });
    },
    outcome(place, token, outcome) {
      const row = rowOf(place);
      if (isClosedToken(token)) {
        if (outcome === OUTCOME.IGNORED) return;
        const quiet =
          ((words[row + FIELD.TALLY] ?? 0) & PENDING) === 0 &&
          words[row + FIELD.OWN] === 0 &&
          ((words[row + FIELD.FLAGS] ?? 0) & FLAG.WINDOW) === 0;
        if (quiet && outcome !== OUTCOME.FAILURE) return;
        const level = countClosed(words, { row, token, outcome, nowMs: clock() });
        if (raiseAttention(words, level)) post({ type: 'breaker-attention' });
        return;
      }
      const id = FIRST_PROBE - token;
      if (token <= FIRST_PROBE && probing.delete(id)) {
        post({ type: 'breaker-result', id, outcome: probeOutcome(row, outcome) });
      }
    },
    retryAfterSeconds(place) {
      const leftMs = untilWrapped(Atomics.load(words, rowOf(place) + FIELD.RETRY_AT), clock());
      return Math.max(1, Math.ceil(leftMs / 1000));
    },
    state: (place) => kindOf(Atomics.load(words, rowOf(place) + FIELD.WORD)),
    receive: (message) => settle(message.id, message.granted),
    close() {
      for (const id of waiting.keys()) settle(id, false);
    },
  };
}
