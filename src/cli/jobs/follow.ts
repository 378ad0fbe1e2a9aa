import { setTimeout as delay } from 'node:timers/promises';
import { jobRun } from '../../shared/admin/jobs.ts';
import type { JobRunAnswer } from '../../shared/admin/jobs.ts';
import { monotonicMs } from '../../shared/clock.ts';
import { segment } from '../admin/client.ts';
import type { AdminReply } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { progressOn, stderrOutput } from '../output/progress.ts';
import type { ProgressView } from '../output/progress.ts';
import { duration } from '../output/quantities.ts';
import { span } from '../output/text.ts';
import { show } from '../show.ts';
import type { AskContext } from '../show.ts';

const LOOK_EVERY_MS = 300;
/** So long nobody takes it before it is said that nobody does. */
const NOBODY_MS = 5_000;

/**
 * Follows a run of a job to its end, whichever node has it: on a terminal one line that changes (step, bytes, rate, time
 * left), else a line a step. With --json only its end.
 *
 * @returns 1 when it failed
 */
export async function follow(context: AskContext, asked: AdminReply<JobRunAnswer>): Promise<number> {
  const { client, json } = context;
  const path = `/admin/jobs/${segment(asked.value.job)}/runs/${segment(asked.value.id)}`;
  const view = json ? undefined : progressOn(stderrOutput());
  const startedMs = monotonicMs();
  let run = asked;
  while (run.value.state === 'waiting' || run.value.state === 'running') {
    if (view !== undefined) tell(view, run.value, monotonicMs() - startedMs);
    await delay(LOOK_EVERY_MS);
    run = await client.call({ path, answer: jobRun });
  }
  view?.done();
  const { state, summary, reason, node } = run.value;
  const took = duration((monotonicMs() - startedMs) / 1000);
  const ok = state === 'succeeded';
  const text = ok ? `${summary} (by ${node}, ${took})` : `It failed on ${node}: ${reason}`;
  show(context, run.json, [[span(text, ok ? 'good' : 'bad')]]);
  return ok ? EXIT.ok : EXIT.negative;
}

/** What is told while it goes on. */
function tell(view: ProgressView, { state, node, progress, reason }: JobRunAnswer, sinceMs: number): void {
  if (state === 'waiting') {
    if (reason !== '') view.say(`failed, and is tried again: ${reason}`);
    else if (sinceMs > NOBODY_MS) view.say('waits for a node that can do it');
  } else if (progress === null) view.say(`runs on ${node}`);
  else {
    const { step, doneBytes, totalBytes } = progress;
    view.report({ step, doneBytes: doneBytes ?? undefined, totalBytes: totalBytes ?? undefined });
  }
}
