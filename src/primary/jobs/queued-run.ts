import type { Job as QueuedJob } from 'bullmq';
import type { JobProgress, JobResult } from './job.ts';
import type { RunRecord, RunState } from './schedule.ts';

/** What a run has in the queue: nothing where the schedule asks. */
export interface RunData {
  readonly slotMs?: number;
  readonly input?: unknown;
}

export type QueuedRun = QueuedJob<RunData, JobResult>;

const SLOT_IN_ID = /:(\d+)$/;

/** The slot of a scheduled run is in its id, so that it is the same on every node and in every attempt. */
export const slotOf = ({ id, data, timestamp }: QueuedRun): number =>
  data.slotMs ?? Number(SLOT_IN_ID.exec(id ?? '')?.[1] ?? timestamp);

/** How long it could have been begun. */
export const waitedMs = (run: QueuedRun, nowMs: number): number =>
  nowMs - Math.max(slotOf(run), run.timestamp, run.finishedOn ?? 0);

/** @param now what of it is known better than the queue does */
export function recordOf(run: QueuedRun, state: RunState, now: Partial<RunRecord> = {}): RunRecord {
  const { processedOn, finishedOn } = run;
  const running = state === 'running';
  return {
    id: run.id ?? '',
    job: run.name,
    slotMs: slotOf(run),
    asked: run.data.slotMs === undefined ? 'schedule' : 'hand',
    state,
    attempt: running ? run.attemptsMade + 1 : run.attemptsMade,
    attempts: run.opts.attempts ?? 1,
    node: run.processedBy ?? '',
    startedMs: processedOn,
    endedMs: finishedOn,
    progress: running ? progressOf(run.progress) : undefined,
    result: state === 'succeeded' ? run.returnvalue : undefined,
    reason: running ? '' : (run.failedReason ?? ''),
    ...now,
  };
}

const progressOf = (progress: unknown): JobProgress | undefined =>
  typeof progress === 'object' && progress !== null && 'step' in progress ? (progress as JobProgress) : undefined;
