import { setTimeout as delay } from 'node:timers/promises';
import { jobRun } from '../../shared/admin/jobs.ts';
import type { JobRunAnswer } from '../../shared/admin/jobs.ts';
import { monotonicMs } from '../../shared/clock.ts';
import { segment } from '../admin/client.ts';
import type { AdminReply } from '../admin/client.ts';
import { EXIT } from '../exit-codes.ts';
import { bytes, duration } from '../output/quantities.ts';
import { printable, span } from '../output/text.ts';
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
  const { io, client, json } = context;
  const path = `/admin/jobs/${segment(asked.value.job)}/runs/${segment(asked.value.id)}`;
  const lines = json ? undefined : new ProgressLines(io.err, process.stderr.isTTY);
  const startedMs = monotonicMs();
  let run = asked;
  while (run.value.state === 'waiting' || run.value.state === 'running') {
    lines?.show(run.value, monotonicMs() - startedMs);
    await delay(LOOK_EVERY_MS);
    run = await client.call({ path, answer: jobRun });
  }
  lines?.end();
  const { state, summary, reason, node } = run.value;
  const took = duration((monotonicMs() - startedMs) / 1000);
  const ok = state === 'succeeded';
  const text = ok ? `${summary} (by ${node}, ${took})` : `It failed on ${node}: ${reason}`;
  show(context, run.json, [[span(text, ok ? 'good' : 'bad')]]);
  return ok ? EXIT.ok : EXIT.negative;
}

/** Step, bytes, rate and time left, as far as they are known. @param began what it had when it was first seen, and since when */
export function progressText(
  progress: JobRunAnswer['progress'],
  { fromBytes, seconds }: { readonly fromBytes: number; readonly seconds: number },
): string {
  const { step = '', doneBytes = null, totalBytes = null } = progress ?? {};
  if (doneBytes === null) return step;
  const rate = seconds > 0 ? (doneBytes - fromBytes) / seconds : 0;
  const parts = [totalBytes === null ? bytes(doneBytes) : `${bytes(doneBytes)} of ${bytes(totalBytes)}`];
  if (rate > 0) parts.push(`${bytes(rate)}/s`);
  if (rate > 0 && totalBytes !== null) parts.push(`${duration(Math.max(0, totalBytes - doneBytes) / rate)} left`);
  return `${step}: ${parts.join(', ')}`;
}

/** What is told while it goes on. */
class ProgressLines {
  readonly #write: (line: string) => void;
  readonly #isTerminal: boolean;
  #said = '';
  #step = { name: '', sinceMs: 0, fromBytes: 0 };

  /** @param write a line; on a terminal `rewrite` is used besides */
  constructor(write: (line: string) => void, isTerminal: boolean) {
    this.#write = write;
    this.#isTerminal = isTerminal;
  }

  show({ state, node, progress, reason }: JobRunAnswer, sinceMs: number): void {
    if (state === 'waiting') {
      if (reason !== '') this.#tell(`failed, and is tried again: ${reason}`);
      else if (sinceMs > NOBODY_MS) this.#tell('waits for a node that can do it');
      return;
    }
    if (progress === null) return this.#tell(`runs on ${node}`);
    const { step, doneBytes } = progress;
    if (step !== this.#step.name) this.#step = { name: step, sinceMs, fromBytes: doneBytes ?? 0 };
    if (!this.#isTerminal) return this.#tell(step);
    const seconds = (sinceMs - this.#step.sinceMs) / 1000;
    this.#rewrite(progressText(progress, { fromBytes: this.#step.fromBytes, seconds }));
  }

  end(): void {
    if (this.#isTerminal) process.stderr.write('\r\u001b[K');
  }

  /** Once. */
  #tell(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    if (this.#isTerminal) this.#rewrite(text);
    else this.#write(text);
  }

  #rewrite(text: string): void {
    const columns = process.stderr.columns || 80;
    process.stderr.write(`\r${printable(text).slice(0, columns - 1)}\u001b[K`);
  }
}
