import { setTimeout as delay } from 'node:timers/promises';
import { treeMemory } from '../../shared/memory.ts';
import type { Memory } from '../../shared/memory.ts';
import { runLoad } from '../../shared/load/run.ts';
import type { Session } from '../../shared/session.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import { startHolder } from './holder.ts';
import type { Holder } from './holder.ts';
import type { HolderReport, ToHolder } from './messages.ts';
import type { Holding } from './subjects.ts';

export const PATH = '/ok';
/** As many as the holder has requests under way. */
const WARM_UP_CONNECTIONS = 32;
const SAMPLED = 200;
export interface HoldPlan {
  readonly count: number;
  readonly perAddress: number;
  readonly warmUpSeconds: number;
  /** V8 gives memory of a burst back after some ten seconds of quiet, so a look sooner would be a look at the burst. */
  readonly settleMs: number;
}

/** One subject with so many connections, from its start to its end. */
export interface Held {
  readonly subject: string;
  readonly before: Memory;
  readonly holding: Memory;
  readonly after: Memory;
  /** What the first request on each brought, and at the end one on a sample of them. */
  readonly opened: HolderReport;
  readonly sampled: HolderReport;
}

interface Started {
  readonly subject: Subject;
  readonly holder: Holder;
}

/**
 * All subjects at once, each in a fresh process, so that no earlier step is in its memory, and warm, so that neither code
 * nor pools are what grows. One after the other they are loaded; settled is together, as idle ones do not disturb.
 */
export async function holdAll(session: Session, holdings: readonly Holding[], plan: HoldPlan): Promise<Held[]> {
  const { count, settleMs } = plan;
  const all: Started[] = [];
  for (const holding of holdings) all.push(await startWarm(session, holding, plan));
  await delay(settleMs);
  const before = all.map(memoryOf);
  const opened = await inTurn(all, { type: 'open', count });
  await delay(settleMs);
  const during = all.map(memoryOf);
  const sampled = await inTurn(all, { type: 'sample', count: Math.min(SAMPLED, count) });
  await inTurn(all, { type: 'close' });
  await delay(settleMs);
  const after = all.map(memoryOf);
  await Promise.all(all.flatMap(({ holder, subject }) => [holder.stop(), stopSubject(subject)]));
  return all.flatMap(({ subject: { name } }, i): Held[] => {
    const [b, h, a, o, s] = [before[i], during[i], after[i], opened[i], sampled[i]];
    if (b === undefined || h === undefined || a === undefined || o === undefined || s === undefined) return [];
    return [{ subject: name, before: b, holding: h, after: a, opened: o, sampled: s }];
  });
}

async function startWarm(session: Session, holding: Holding, plan: HoldPlan): Promise<Started> {
  const subject = await holding.start(plan.count);
  const { hostname: host, port, pathname } = new URL(subject.url + PATH);
  const request = { name: 'warm-up', method: 'GET', requestBody: undefined } as const;
  const url = subject.url + PATH;
  await runLoad(session, { request, url, seconds: plan.warmUpSeconds, connections: WARM_UP_CONNECTIONS });
  const holder = startHolder(session, { host, port: Number(port), path: pathname, perAddress: plan.perAddress });
  return { subject, holder };
}

async function inTurn(all: readonly Started[], order: ToHolder): Promise<HolderReport[]> {
  const reports: HolderReport[] = [];
  for (const { holder } of all) reports.push(await holder.obey(order));
  return reports;
}

const memoryOf = ({ subject }: Started): Memory => treeMemory(subject.processes[0]?.pid ?? 0);
