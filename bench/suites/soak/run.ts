import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from '../../shared/load/plan.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { look, openFiles } from './look.ts';
import type { Files, Look } from './look.ts';
import { startClients } from './loads.ts';
import type { ClientKind, Clients } from './loads.ts';
import type { SoakAction, SoakPlan } from './plan.ts';
import type { System } from './system.ts';

/** What was done, and when; milliseconds of this process's `performance.now()`. */
export interface Done {
  readonly action: SoakAction;
  readonly fromMs: number;
  /** When what was down was up again. */
  readonly toMs: number;
}

export interface SoakRun {
  readonly plan: SoakPlan;
  /** The zero of all seconds: when the steady clients began. */
  readonly startedMs: number;
  readonly clients: Readonly<Record<ClientKind, { readonly startedMs: number; readonly result: LoadResult }>>;
  readonly done: readonly Done[];
  readonly looks: readonly { readonly seconds: number; readonly look: Look }[];
  /** Before any client, and when all had gone. */
  readonly filesBefore: Files;
  readonly filesAfter: Files;
}

/** Idle connections to the upstream outlive the clients by some seconds. */
const CLOSING_MS = 20_000;
const CLOSING_LOOK_MS = 100;

export interface SoakWish {
  readonly plan: SoakPlan;
  readonly connections: number;
  readonly ratePerSecond: number;
}

/** Runs the whole of it. @throws Error when a load fails or something that was stopped does not come back */
export async function soak(context: SuiteContext, system: System, wish: SoakWish): Promise<SoakRun> {
  const { plan, connections, ratePerSecond } = wish;
  const { gateway } = system;
  const filesBefore = openFiles(gateway.process.pid);
  const url = `http://127.0.0.1:${gateway.port}${gateway.prefix}`;
  const started = await startClients(context.session, { url, connections, ratePerSecond, soak: plan });
  const { startedMs } = started.steady;
  const looks: { seconds: number; look: Look }[] = [];
  const [done] = await Promise.all([
    actAll(context, system, { plan, startedMs }),
    lookOften(system, { plan, startedMs, seen: (one) => looks.push(one) }),
  ]);
  const ended = async ({ startedMs, result }: Clients) => ({ startedMs, result: await result });
  const [steady, churn, impatient] = await Promise.all(
    [started.steady, started.churn, started.impatient].map(ended) as [
      ReturnType<typeof ended>,
      ReturnType<typeof ended>,
      ReturnType<typeof ended>,
    ],
  );
  const filesAfter = await closed(gateway.process.pid, filesBefore);
  return { plan, startedMs, clients: { steady, churn, impatient }, done, looks, filesBefore, filesAfter };
}

interface Course {
  readonly plan: SoakPlan;
  readonly startedMs: number;
}

const until = (atMs: number): Promise<void> => delay(Math.max(0, atMs - performance.now()));

async function actAll({ record }: SuiteContext, system: System, { plan, startedMs }: Course): Promise<Done[]> {
  const done: Done[] = [];
  for (const { action, atSeconds } of plan.events) {
    await until(startedMs + atSeconds * 1000);
    record.progress(`${Math.round(atSeconds)} of ${plan.seconds} s: ${action}`);
    const fromMs = performance.now();
    await system.act(action, plan.downSeconds);
    done.push({ action, fromMs, toMs: performance.now() });
  }
  return done;
}

type Watching = Course & { readonly seen: (one: { seconds: number; look: Look }) => void };

async function lookOften({ gateway }: System, { plan, startedMs, seen }: Watching): Promise<void> {
  const endMs = startedMs + plan.seconds * 1000;
  while (performance.now() < endMs && !gateway.process.ended) {
    const nextMs = performance.now() + plan.lookSeconds * 1000;
    const seconds = (performance.now() - startedMs) / 1000;
    seen({ seconds, look: await look(gateway) });
    await until(Math.min(nextMs, endMs));
  }
}

/** The descriptors when there are no more than before, at the latest after `CLOSING_MS`. */
async function closed(pid: number, before: Files): Promise<Files> {
  const deadlineMs = performance.now() + CLOSING_MS;
  let files = openFiles(pid);
  while (files.all > before.all && performance.now() < deadlineMs) {
    await delay(CLOSING_LOOK_MS);
    files = openFiles(pid);
  }
  return files;
}
