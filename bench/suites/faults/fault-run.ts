import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProxy } from '../../shared/gateway.ts';
import { epochMs, logLines } from '../../shared/gateway-log.ts';
import type { LogLine } from '../../shared/gateway-log.ts';
import { startLoad } from '../../shared/load/run.ts';
import type { LoadPlan, LoadResult } from '../../shared/load/plan.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import { DecisionWatch } from './decisions.ts';
import type { DecisionLook } from './decisions.ts';
import type { Fault, FaultyRedis } from './fault.ts';

export interface FaultTimes {
  readonly beforeSeconds: number;
  readonly faultSeconds: number;
  readonly afterSeconds: number;
}

/** What was seen of one fault; times are of `performance.now()`. */
export interface FaultRun {
  readonly seen: LoadResult;
  readonly looks: readonly DecisionLook[];
  readonly startedMs: number;
  readonly beganMs: number;
  readonly overMs: number;
  /** From the fault until the gateway went on without Redis, by its log; undefined = it did not. */
  readonly aloneAfterMs: number | undefined;
  /** From the fault's end until limits were shared again for good; 0 = they were all the time. */
  readonly sharedAfterMs: number | undefined;
}

export interface FaultPlan {
  readonly session: Session;
  readonly fault: Fault;
  readonly faulty: FaultyRedis;
  readonly gateway: GatewayProxy;
  readonly times: FaultTimes;
  readonly load: LoadPlan;
}

/** Lets the fault happen and end under the load. @returns also the Redis to go on with */
export async function runFault(plan: FaultPlan): Promise<{ run: FaultRun; redis: BenchRedis }> {
  const { session, fault, faulty, gateway, times, load } = plan;
  const running = startLoad(session, load);
  const startedMs = await running.startedMs;
  const watch = new DecisionWatch(gateway.adminPort);
  await delay(times.beforeSeconds * 1000);
  const beganMs = performance.now();
  fault.begin(faulty);
  await delay(times.faultSeconds * 1000);
  const redis = await fault.end(faulty, session);
  const overMs = performance.now();
  const seen = await running.result;
  const looks = await watch.end();
  const changes = storeChanges(logLines(gateway.process));
  const moments = { beganMs: epochMs(beganMs), overMs: epochMs(overMs) };
  return { run: { seen, looks, startedMs, beganMs, overMs, ...changesAround(changes, moments) }, redis };
}

/** The gateway says that it asks Redis for limits, or that it does not. */
export interface StoreChange {
  readonly atMs: number;
  readonly shared: boolean;
}

export const storeChanges = (lines: readonly LogLine[]): StoreChange[] =>
  lines
    .filter(({ msg }) => msg.startsWith('rate limits: Redis '))
    .map(({ atMs, msg }) => ({ atMs, shared: msg.includes('shared again') }));

/** All times since the epoch; those of a log are cut to whole milliseconds. */
export function changesAround(
  changes: readonly StoreChange[],
  { beganMs, overMs }: { readonly beganMs: number; readonly overMs: number },
): Pick<FaultRun, 'aloneAfterMs' | 'sharedAfterMs'> {
  const alone = changes.find(({ atMs, shared }) => !shared && atMs >= beganMs - 1);
  const last = changes.findLast(({ atMs }) => atMs >= beganMs - 1);
  const shared = last === undefined ? 0 : last.shared ? Math.max(0, last.atMs - overMs) : undefined;
  return { aloneAfterMs: alone && Math.max(0, alone.atMs - beganMs), sharedAfterMs: shared };
}
