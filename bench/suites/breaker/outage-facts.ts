import type { TimeSlice } from '../../shared/load/plan.ts';
import type { Outage, Transition } from './outage.ts';
import type { Call } from './protocol.ts';

/** What one outage comes to. Times are milliseconds; undefined = it did not happen while the load ran. */
export interface OutageFacts {
  /** From the failure until the first node's breaker, and the last one's, was OPEN. */
  readonly firstOpenMs: number | undefined;
  readonly allOpenMs: number | undefined;
  /** Answers of failed calls that clients got between the failure and the return. */
  readonly failedAnswers: number;
  /** Calls to the failing upstream after the first node had opened, before any probe was due. */
  readonly leaked: number | undefined;
  /** Failed answers after that: probes. */
  readonly failedProbes: number | undefined;
  readonly refused: number;
  /** From the upstream's return until the first good answer, and until all nodes were CLOSED. */
  readonly firstGoodMs: number | undefined;
  readonly allClosedMs: number | undefined;
  /** Most calls under way at once while only probes may pass. */
  readonly mostProbes: number | undefined;
}

export interface BreakerNumbers {
  readonly resetMs: number;
  /** CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD: successes that close it, and the most probes at once. */
  readonly permits: number;
}

export function factsOf(outage: Outage, failedStatus: '500' | '502', breaker: BreakerNumbers): OutageFacts {
  const { failedMs, returnedMs, seen, startedMs, calls } = outage;
  // Log lines have whole milliseconds, cut off.
  const opened = firstOfEach(outage, 'OPEN', failedMs - 1);
  const closed = firstOfEach(outage, 'CLOSED', returnedMs - 1);
  const during = (fromMs: number, toMs: number): readonly TimeSlice[] =>
    seen.timeline.filter(({ atMs }) => startedMs + atMs >= fromMs && startedMs + atMs < toMs);
  const failed = (fromMs: number, toMs: number): number => countOf(during(fromMs, toMs), failedStatus);
  const firstOpen = opened?.firstMs;
  // Nobody may probe before the reset time-out; whatever comes in its first half was let through as if all were well.
  const probesFrom = firstOpen === undefined ? undefined : firstOpen + breaker.resetMs / 2;
  const good = seen.timeline.find(({ atMs, statuses }) => startedMs + atMs >= returnedMs && (statuses['200'] ?? 0) > 0);
  const since = (fromMs: number, atMs: number | undefined): number | undefined =>
    atMs === undefined ? undefined : Math.max(0, atMs - fromMs);
  const leaked = (fromMs: number, toMs: number): number =>
    failedStatus === '502'
      ? failed(fromMs, toMs) // a dead upstream counts nothing
      : calls.filter(({ startMs }) => startMs >= fromMs && startMs < toMs).length;
  return {
    firstOpenMs: since(failedMs, firstOpen),
    allOpenMs: since(failedMs, opened?.lastMs),
    failedAnswers: failed(failedMs, returnedMs),
    leaked: firstOpen === undefined || probesFrom === undefined ? undefined : leaked(firstOpen, probesFrom),
    failedProbes: probesFrom === undefined ? undefined : failed(probesFrom, returnedMs),
    refused: seen.statuses['503'] ?? 0,
    firstGoodMs: since(returnedMs, good && startedMs + good.atMs),
    allClosedMs: since(returnedMs, closed?.lastMs),
    mostProbes: probesFrom === undefined ? undefined : mostProbes(calls, { fromMs: probesFrom, returnedMs, breaker }),
  };
}

interface Spread {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** When the first and the last node came into the state, from a moment on; undefined unless all did. */
export function firstOfEach(
  { transitions, nodes }: { readonly transitions: readonly Transition[]; readonly nodes: number },
  to: string,
  fromMs: number,
): Spread | undefined {
  const times = Array.from({ length: nodes }, (_, node) =>
    Math.min(...transitions.filter((one) => one.node === node && one.to === to && one.atMs >= fromMs).map(atOf)),
  );
  const [firstMs, lastMs] = [Math.min(...times), Math.max(...times)];
  return Number.isFinite(lastMs) && Number.isFinite(firstMs) ? { firstMs, lastMs } : undefined;
}

const atOf = ({ atMs }: Transition): number => atMs;

const countOf = (slices: readonly TimeSlice[], status: string): number =>
  slices.reduce((sum, { statuses }) => sum + (statuses[status] ?? 0), 0);

interface ProbeWindow {
  readonly fromMs: number;
  readonly returnedMs: number;
  readonly breaker: BreakerNumbers;
}

/**
 * Most calls under way at once from when only probes may pass until the upstream has answered as many good ones as
 * close the breaker: before it has, no node can know of it. All by the upstream's own clock.
 */
export function mostProbes(calls: readonly Call[], { fromMs, returnedMs, breaker }: ProbeWindow): number {
  const good = calls.filter(({ startMs, status }) => startMs >= returnedMs && status === 200);
  const closing = good.map(({ endMs }) => endMs).toSorted((a, b) => a - b)[breaker.permits - 1];
  const probes = calls.filter(({ startMs }) => startMs >= fromMs && startMs <= (closing ?? Infinity));
  const under = (atMs: number): number => probes.filter(({ startMs, endMs }) => startMs <= atMs && endMs > atMs).length;
  return Math.max(0, ...probes.map(({ startMs }) => under(startMs)));
}
