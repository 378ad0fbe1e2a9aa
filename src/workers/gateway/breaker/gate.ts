import { noteGood, stampOf } from '../../../shared/breaker/client-table.ts';
import { FIELD, FLAG, KIND, kindOf, placesIn, rowOf } from '../../../shared/breaker/memory.ts';
import type { FromBreakerThread, ToBreakerThread } from '../../../shared/breaker/messages.ts';
import { OUTCOME } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';
import { untilWrapped } from '../../../shared/breaker/process-clock.ts';
import type { BreakerKind, ProbeOutcome } from '../../../shared/breaker/state.ts';
import { PENDING } from '../../../shared/breaker/tally.ts';
import { ClientIds } from './client-ids.ts';
import { countClosed, isClosedToken, raiseAttention } from './closed-counts.ts';
import { admitOther, culpritOf, dismissOther, passesNarrow } from './others.ts';

/** Answers of `check` that are not a token. */
export const REFUSE = -1;
/** HALF_OPEN, and a permit may be free: call `ask`. */
export const ASK = -2;
/** A token whose outcome nobody wants (shadow mode, or an exchange that never got as far as the gate). */
export const UNTRACKED = -3;
/** Tokens from here down are probes: FIRST_PROBE - id. */
const FIRST_PROBE = -16;

/** Whether the token lets a probe pass, whose outcome others wait for: one with a permit, or one of somebody else. */
export const isProbe = (token: number): boolean => token <= FIRST_PROBE || isOther(token);

/** The WORD of an opening that somebody else had proved alone. */
const isOther = (token: number): boolean => token > 0 && (token & 3) !== KIND.CLOSED;

/** A front that is too busy to answer must not hold requests. */
const ASK_DEADLINE_MS = 250;

export interface GateOptions {
  readonly memory: SharedArrayBuffer;
  /** Sends to the front, which passes it to `BreakerFront.receive`. */
  readonly post: (message: FromBreakerThread) => void;
  /** createProcessClock(): all threads and the front must agree on it. */
  readonly clock: () => number;
}

/** A request that was let pass. */
export interface GatedCall {
  readonly breakerPlace: number;
  /** What `check`, or `ask`, gave it. */
  readonly breakerToken: number;
  /** Its consumer, who is verified, or its address, as far as that can be believed. */
  readonly breakerClient: string;
}

/**
 * One request thread's side of the breakers. Per request: `check`, perhaps `ask`, and exactly one `outcome` with the
 * token. While the upstream is CLOSED and succeeding `check` is one Int32 read and `outcome` a few plain reads.
 */
export interface BreakerGate {
  /** A token to keep for `outcome`, or REFUSE (answer 503 circuit_open), or ASK. */
  check(place: number, address: string): number;
  /**
   * After ASK. `resume` is called exactly once, later or at once, with a token or REFUSE. An exchange that is over by
   * then still reports the token, as IGNORED, so that the permit goes back.
   */
  ask(place: number, address: string, resume: (token: number) => void): void;
  /** Call once per token, whatever became of the exchange; a second call for a probe with a permit does nothing. */
  outcome(call: GatedCall, outcome: BreakerOutcome): void;
  /** Whole seconds until the next probe, at least 1. */
  retryAfterSeconds(place: number): number;
  /** For X-Circuit-Breaker. */
  state(place: number): BreakerKind;
  receive(message: ToBreakerThread): void;
  /** Every tick of the thread: the next success of each upstream is noted, so that it is known who is served well. */
  tick(): void;
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
  const clients = new ClientIds();
  /** 1 where a success is to be noted. */
  const due = new Uint8Array(placesIn(options.memory)).fill(1);

  /** Refused, or in shadow counted and let pass. */
  function refuse(row: number): number {
    Atomics.add(words, row + FIELD.REFUSED, 1);
    return (Atomics.load(words, row + FIELD.FLAGS) & FLAG.SHADOW) === 0 ? REFUSE : UNTRACKED;
  }

  /** No permit was free a moment ago: who asked then need not ask again, and of all others one may. */
  function isDenied(row: number, address: string): boolean {
    if (untilWrapped(Atomics.load(words, row + FIELD.DENIED_UNTIL), clock()) <= 0) return false;
    const denied = Atomics.load(words, row + FIELD.DENIED_CLIENT);
    if (denied === 0 || denied === clients.of(address).low) return true;
    return Atomics.compareExchange(words, row + FIELD.DENIED_CLIENT, denied, 0) !== denied;
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

  function noteSuccess(place: number, address: string): void {
    due[place] = 0;
    noteGood(words, place, { client: clients.of(address), stamp: stampOf(words, rowOf(place), clock()) });
  }

  /** Somebody who did not cause the opening has passed it. */
  function otherOver(call: GatedCall, outcome: BreakerOutcome): void {
    const { breakerPlace: place, breakerToken: token } = call;
    const row = rowOf(place);
    if (Atomics.load(words, row + FIELD.WORD) !== token) return;
    dismissOther(words, row);
    const culprit = culpritOf(words, row);
    const result = probeOutcome(row, outcome);
    if (result === 'aborted') return;
    if (result === 'success') noteSuccess(place, call.breakerClient);
    const client = clients.of(call.breakerClient).text;
    post({ type: 'breaker-other', place, token, culprit, client, outcome: result });
  }

  return {
    check(place, address) {
      const row = rowOf(place);
      // Plain reads on the healthy path: an Atomics.load costs several times as much here, and a store of another
      // thread is seen by the next turn of the event loop just as well. Everything that decides uses Atomics.
      const word = words[row + FIELD.WORD] ?? 0;
      if ((word & 3) === KIND.CLOSED) return word;
      if (passesNarrow(words, row, clients.of(address))) return admitOther(words, row) ? word : refuse(row);
      if ((word & 3) === KIND.OPEN || isDenied(row, address)) return refuse(row);
      return (asking.get(place) ?? 0) < Atomics.load(words, row + FIELD.ASK_LIMIT) ? ASK : refuse(row);
    },
    ask(place, address, resume) {
      const id = ++lastId;
      const timer = setTimeout(settle, ASK_DEADLINE_MS, id, false);
      waiting.set(id, { place, resume, timer });
      asking.set(place, (asking.get(place) ?? 0) + 1);
      post({ type: 'breaker-ask', place, id, client: clients.of(address).text });
    },
    outcome(call, outcome) {
      const { breakerPlace: place, breakerToken: token } = call;
      const row = rowOf(place);
      if (isClosedToken(token)) {
        if (outcome === OUTCOME.IGNORED) return;
        const quiet =
          ((words[row + FIELD.TALLY] ?? 0) & PENDING) === 0 &&
          words[row + FIELD.OWN] === 0 &&
          words[row + FIELD.WATCH_UNTIL] === 0 &&
          ((words[row + FIELD.FLAGS] ?? 0) & FLAG.COUNT_ALL) === 0;
        if (quiet && outcome !== OUTCOME.FAILURE) {
          if (due[place] === 1) noteSuccess(place, call.breakerClient);
          return;
        }
        const client = clients.of(call.breakerClient);
        const level = countClosed(words, { place, token, client, outcome, nowMs: clock() });
        if (raiseAttention(words, level)) post({ type: 'breaker-attention' });
        return;
      }
      if (isOther(token)) return otherOver(call, outcome);
      const id = FIRST_PROBE - token;
      if (token > FIRST_PROBE || !probing.delete(id)) return;
      const result = probeOutcome(row, outcome);
      if (result === 'success') noteSuccess(place, call.breakerClient);
      post({ type: 'breaker-result', id, outcome: result });
    },
    retryAfterSeconds(place) {
      const leftMs = untilWrapped(Atomics.load(words, rowOf(place) + FIELD.RETRY_AT), clock());
      return Math.max(1, Math.ceil(leftMs / 1000));
    },
    state: (place) => kindOf(Atomics.load(words, rowOf(place) + FIELD.WORD)),
    receive: (message) => settle(message.id, message.granted),
    tick: () => void due.fill(1),
    close() {
      for (const id of waiting.keys()) settle(id, false);
    },
  };
}
