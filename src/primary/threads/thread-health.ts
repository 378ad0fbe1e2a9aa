/**
 * Whether a request thread may get connections, as a pure function of what was seen of it. A thread of uWS that must go
 * is never terminated: with a socket open, or one handed over and not yet taken, that aborts the whole process. On the
 * native front one that is parked is, once another serves in its place.
 */
export type ThreadState =
  /** Was created, has no app yet. */
  | { readonly kind: 'starting'; readonly silentMs: number }
  /** In the ring. */
  | { readonly kind: 'serving'; readonly silentMs: number }
  /** Has not beaten for a while: out of the ring, back when it beats. */
  | { readonly kind: 'silent'; readonly silentMs: number }
  /** Silent for so long that another took its place; left alone until it wakes up. */
  | { readonly kind: 'parked' }
  /** Out of the ring for good: finishes what it has, then ends. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'gone' };

export type ThreadEvent =
  | { readonly type: 'listening' }
  /** `elapsedMs` since the last check; `beaten`: its heartbeat changed in that time. */
  | { readonly type: 'check'; readonly elapsedMs: number; readonly beaten: boolean }
  /** It reported a fault of its own, or an error escaped from it. */
  | { readonly type: 'failed' }
  /** The front wants it to finish and end. */
  | { readonly type: 'retire' }
  | { readonly type: 'exit' };

/** `join` and `part` the ring, tell it to `drain`; done in this order. */
export type ThreadAction = 'join' | 'part' | 'drain';

export interface Transition {
  readonly state: ThreadState;
  readonly actions: readonly ThreadAction[];
}

export interface HealthLimits {
  /** Out of the ring after this much silence. */
  readonly silentAfterMs: number;
  /** Replaced after this much silence. */
  readonly parkAfterMs: number;
  /** A thread that is not listening after this long is given up. */
  readonly startWithinMs: number;
}

const HEALTH_LIMITS: HealthLimits = { silentAfterMs: 2_000, parkAfterMs: 10_000, startWithinMs: 30_000 };

export const INITIAL: ThreadState = { kind: 'starting', silentMs: 0 };

/** Whether it counts as one of the threads that should be there. */
export const isLive = (state: ThreadState): boolean =>
  state.kind === 'starting' || state.kind === 'serving' || state.kind === 'silent';

const stay = (state: ThreadState): Transition => ({ state, actions: [] });

function onCheck(state: ThreadState, event: ThreadEvent & { type: 'check' }, limits: HealthLimits): Transition {
  if (state.kind === 'parked') {
    return event.beaten ? { state: { kind: 'leaving' }, actions: ['drain'] } : stay(state);
  }
  if (state.kind === 'leaving' || state.kind === 'gone') return stay(state);
  const silentMs = event.beaten ? 0 : state.silentMs + event.elapsedMs;
  if (state.kind === 'starting') {
    return stay(silentMs >= limits.startWithinMs ? { kind: 'parked' } : { kind: 'starting', silentMs });
  }
  if (state.kind === 'silent') {
    if (event.beaten) return { state: { kind: 'serving', silentMs }, actions: ['join'] };
    return stay(silentMs >= limits.parkAfterMs ? { kind: 'parked' } : { kind: 'silent', silentMs });
  }
  if (silentMs < limits.silentAfterMs) return stay({ kind: 'serving', silentMs });
  return { state: { kind: 'silent', silentMs }, actions: ['part'] };
}

/** The thread must go: out of the ring first, only then may it close its app. */
function leave(state: ThreadState): Transition {
  switch (state.kind) {
    case 'starting':
    case 'serving':
    case 'silent':
      return { state: { kind: 'leaving' }, actions: ['part', 'drain'] };
    case 'parked':
      return { state: { kind: 'leaving' }, actions: ['drain'] };
    case 'leaving':
    case 'gone':
      return stay(state);
    default:
      return state satisfies never;
  }
}

function onListening(state: ThreadState): Transition {
  if (state.kind === 'starting') return { state: { kind: 'serving', silentMs: 0 }, actions: ['join'] };
  // Given up while it was starting: it has come too late.
  return state.kind === 'parked' ? leave(state) : stay(state);
}

/** The next state of a thread and what the front must do now. */
export function nextThread(state: ThreadState, event: ThreadEvent, limits: HealthLimits = HEALTH_LIMITS): Transition {
  switch (event.type) {
    case 'listening':
      return onListening(state);
    case 'check':
      return onCheck(state, event, limits);
    case 'failed':
    case 'retire':
      return leave(state);
    case 'exit':
      return { state: { kind: 'gone' }, actions: isLive(state) ? ['part'] : [] };
    default:
      return event satisfies never;
  }
}
