import { setTimeout as delay } from 'node:timers/promises';
import { ask, expectBody } from '../../shared/ask.ts';
import { SMALL_BODY } from '../../shared/bodies.ts';
import { subjectContext } from '../../shared/gateway.ts';
import type { LoadPlan, LoadResult } from '../../shared/load/plan.ts';
import { runLoad, startLoad } from '../../shared/load/run.ts';
import type { Session } from '../../shared/session.ts';
import { failuresIn } from './failures.ts';
import type { Failures } from './failures.ts';
import type { TargetFault } from './faults.ts';
import type { DrilledSubject } from './subjects.ts';
import { Target } from './target.ts';

const TARGETS = 3;

/** Lengths of one drill. */
export interface DrillTimes {
  readonly warmUpSeconds: number;
  readonly quietSeconds: number;
  /** From the fault on. */
  readonly afterSeconds: number;
  /** From the fault on until the subject is expected to have found out. */
  readonly settlesSeconds: number;
  readonly sliceMs: number;
  /** When a client gives a request up. */
  readonly patienceMs: number;
}

export interface DrillPlan {
  readonly session: Session;
  readonly fault: TargetFault;
  readonly subject: DrilledSubject;
  readonly times: DrillTimes;
  readonly load: Pick<LoadPlan, 'connections' | 'ratePerSecond' | 'fromAddresses'>;
}

/** What clients saw of one fault through one subject. */
export interface DrillRun {
  readonly seen: LoadResult;
  /** On the target, when the fault began. */
  readonly underWay: number;
  readonly quiet: Failures;
  readonly after: Failures;
  /** Of these, until the subject is expected to have found out. */
  readonly first: Failures;
}

/** Starts three targets and the subject before them, and lets one target fail under the load. */
export async function runDrill({ session, fault, subject, times, load }: DrillPlan): Promise<DrillRun> {
  const { sliceMs, quietSeconds, afterSeconds, settlesSeconds } = times;
  const first = new Target(session);
  const targets = [first, ...Array.from({ length: TARGETS - 1 }, () => new Target(session))];
  await Promise.all(targets.map((target) => target.start()));
  const proxy = await subject.start(subjectContext(session, first), targets);
  const url = `http://127.0.0.1:${proxy.port}${proxy.prefix}/ok`;
  for (let i = 0; i < TARGETS; i++) expectBody(await ask(url, { method: 'GET' }), SMALL_BODY);

  const splitMs = quietSeconds * 1000;
  const settlesMs = settlesSeconds * 1000;
  const plan: LoadPlan = {
    ...load,
    request: { name: 'targets', method: 'GET', requestBody: undefined, countStatuses: true },
    url,
    seconds: quietSeconds + afterSeconds,
    timeoutMs: times.patienceMs,
    timelineMs: sliceMs,
    splitsMs: [splitMs, splitMs + settlesMs],
  };
  if (times.warmUpSeconds > 0) await runLoad(session, { ...plan, seconds: times.warmUpSeconds });
  const running = startLoad(session, plan);
  const startedMs = await running.startedMs;
  await delay(startedMs + splitMs - performance.now());
  const underWay = await fault.strike(first);
  const seen = await running.result;
  await proxy.process.stop();
  await Promise.all(targets.map((target) => target.kill()));
  return {
    seen,
    underWay,
    quiet: failuresIn(seen.timeline, { untilMs: splitMs, sliceMs }),
    after: failuresIn(seen.timeline, { fromMs: splitMs, sliceMs }),
    first: failuresIn(seen.timeline, { fromMs: splitMs, untilMs: splitMs + settlesMs, sliceMs }),
  };
}
