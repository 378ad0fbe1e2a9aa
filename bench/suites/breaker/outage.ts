import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../../shared/ask.ts';
import { epochMs, logLines } from '../../shared/gateway-log.ts';
import { startLoad } from '../../shared/load/run.ts';
import type { LoadPlan, LoadResult } from '../../shared/load/plan.ts';
import type { GatewayNode } from '../../shared/nodes.ts';
import type { Session } from '../../shared/session.ts';
import type { Call } from './protocol.ts';
import type { FailingUpstream } from './failing-upstream.ts';

/** Lengths of one outage; the load goes on all the while. */
export interface OutageTimes {
  readonly beforeSeconds: number;
  readonly failingSeconds: number;
  readonly afterSeconds: number;
}

/** How an upstream fails and comes back; both tell when, in ms since the epoch. */
export interface OutageKind {
  readonly title: string;
  /** What clients get of a call that reaches it. */
  readonly failedStatus: '500' | '502';
  fail(upstream: FailingUpstream): Promise<number> | number;
  restore(upstream: FailingUpstream): Promise<number>;
}

/** One state change of one node's breaker, by its log. */
export interface Transition {
  readonly node: number;
  readonly atMs: number;
  readonly to: string;
}

/** What was seen of one outage; all times are ms since the epoch. */
export interface Outage {
  readonly seen: LoadResult;
  readonly startedMs: number;
  readonly failedMs: number;
  readonly returnedMs: number;
  readonly nodes: number;
  readonly transitions: readonly Transition[];
  /** As the upstream counted them; without those of a process that was killed. */
  readonly calls: readonly Call[];
}

export interface OutagePlan {
  readonly session: Session;
  readonly kind: OutageKind;
  readonly times: OutageTimes;
  readonly upstream: FailingUpstream;
  readonly nodes: readonly GatewayNode[];
  readonly load: LoadPlan;
}

/** Lets the upstream fail and come back under the load. All nodes must be well before. */
export async function runOutage({ session, kind, times, upstream, nodes, load }: OutagePlan): Promise<Outage> {
  await upstream.calls();
  const running = startLoad(session, load);
  const startedMs = epochMs(await running.startedMs);
  await delay(times.beforeSeconds * 1000);
  const failedMs = await kind.fail(upstream);
  await delay(times.failingSeconds * 1000);
  const returnedMs = await kind.restore(upstream);
  const seen = await running.result;
  const calls = await upstream.calls();
  return { seen, startedMs, failedMs, returnedMs, nodes: nodes.length, transitions: transitionsOf(nodes), calls };
}

function transitionsOf(nodes: readonly GatewayNode[]): Transition[] {
  return nodes.flatMap(({ process }, node) =>
    logLines(process)
      .filter(({ msg, to }) => msg.startsWith('circuit breaker ') && typeof to === 'string')
      .map(({ atMs, to }) => ({ node, atMs, to: String(to) })),
  );
}

const ALL_WELL_MS = 20_000;

/** Asks until every node answers 200. @throws Error when one still does not after 20 s */
export async function untilAllWell(nodes: readonly GatewayNode[]): Promise<void> {
  const deadline = performance.now() + ALL_WELL_MS;
  for (const { url, process } of nodes) {
    while ((await ask(`${url}/ok`, { method: 'GET' })).status !== 200) {
      if (performance.now() > deadline) throw process.failure('its breaker does not close again');
      await delay(50);
    }
  }
}
