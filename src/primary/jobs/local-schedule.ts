import { wallClockMs } from '../../shared/clock.ts';
import type { Job, JobAbility } from './job.ts';
import { reasonOf } from './schedule.ts';
import type { RunRecord, Schedule, ScheduleOptions } from './schedule.ts';
import { keptRuns, slotAfter } from './slots.ts';

/** Longest sleep of a timer; the wall clock may be set in between. */
const LONGEST_SLEEP_MS = 60_000;

interface LocalRun {
  record: RunRecord;
  readonly input: unknown;
}

interface LocalJob {
  readonly job: Job;
  ability: JobAbility;
  nextMs: number;
  timer: NodeJS.Timeout | undefined;
  /** In the order in which they run. */
  readonly waiting: LocalRun[];
  readonly retries: Map<LocalRun, NodeJS.Timeout>;
  current: { readonly run: LocalRun; readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  asking: boolean;
  /** Newest first. */
  ended: readonly RunRecord[];
}

/**
 * The schedule of a process that shares nothing: it is its own cluster, so a stand-in is whom there is. Nothing outlives
 * the process.
 */
export class LocalSchedule implements Schedule {
  readonly scope = 'node';
  readonly #options: ScheduleOptions;
  readonly #jobs = new Map<string, LocalJob>();
  readonly #renewal: NodeJS.Timeout;
  #closed = false;
  #nextId = 1;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    for (const job of options.jobs) this.add(job);
    this.#renewal = setInterval(() => {
      for (const each of this.#jobs.values()) void this.#take(each);
    }, options.renewEveryMs).unref();
  }

  add(job: Job): void {
    if (this.#jobs.has(job.name) || this.#closed) return;
    const local: LocalJob = {
      job,
      ability: 'unable',
      nextMs: slotAfter(job.pattern, wallClockMs()),
      timer: undefined,
      waiting: [],
      retries: new Map(),
      current: undefined,
      asking: false,
      ended: [],
    };
    this.#jobs.set(job.name, local);
    this.#sleep(local);
    void this.#take(local);
  }

  async ask(job: string, input: unknown): Promise<RunRecord> {
    const local = this.#job(job);
    const run = this.#add(local, { slotMs: wallClockMs(), asked: 'hand', attempts: 1, input });
    void this.#take(local);
    return Promise.resolve(run.record);
  }

  async runs(job: string): Promise<readonly RunRecord[]> {
    const { waiting, retries, current, ended } = this.#job(job);
    const open = [...waiting, ...retries.keys(), ...(current === undefined ? [] : [current.run])];
    const all = [...open.map(({ record }) => record), ...ended];
    return Promise.resolve(all.sort((a, b) => b.slotMs - a.slotMs));
  }

  async run(job: string, id: string): Promise<RunRecord | undefined> {
    return (await this.runs(job)).find((record) => record.id === id);
  }

  ability(job: string): JobAbility {
    return this.#job(job).ability;
  }

  async end(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#renewal);
    const running: Promise<void>[] = [];
    for (const { timer, retries, current } of this.#jobs.values()) {
      clearTimeout(timer);
      for (const retry of retries.values()) clearTimeout(retry);
      current?.abort.abort(new Error('the process ends'));
      if (current !== undefined) running.push(current.done);
    }
    await Promise.allSettled(running);
  }

  endByForce(): Promise<void> {
    return Promise.resolve();
  }

  #job(name: string): LocalJob {
    const found = this.#jobs.get(name);
    if (found === undefined) throw new Error(`there is no job ${name}`);
    return found;
  }

  #sleep(local: LocalJob): void {
    if (this.#closed) return;
    const leftMs = local.nextMs - wallClockMs();
    local.timer = setTimeout(() => this.#wake(local), Math.min(Math.max(leftMs, 0), LONGEST_SLEEP_MS)).unref();
  }

  #wake(local: LocalJob): void {
    const nowMs = wallClockMs();
    if (nowMs >= local.nextMs) {
      const slotMs = local.nextMs;
      local.nextMs = slotAfter(local.job.pattern, nowMs);
      // One that has not begun yet stands for all slots since.
      if (!local.waiting.some(({ record }) => record.asked === 'schedule')) {
        this.#add(local, { slotMs, asked: 'schedule', attempts: local.job.attempts, input: undefined });
      }
      void this.#take(local);
    }
    this.#sleep(local);
  }

  #add(
    local: LocalJob,
    { input, ...asked }: Pick<RunRecord, 'slotMs' | 'asked' | 'attempts'> & { readonly input: unknown },
  ): LocalRun {
    const record: RunRecord = {
      id: `${asked.asked}-${asked.slotMs}-${this.#nextId++}`,
      job: local.job.name,
      ...asked,
      state: 'waiting',
      attempt: 0,
      node: '',
      startedMs: undefined,
      endedMs: undefined,
      progress: undefined,
      result: undefined,
      reason: '',
    };
    const run = { record, input };
    local.waiting.push(run);
    return run;
  }

  /** Begins the first run that waits, if this node can and none of the job runs. */
  async #take(local: LocalJob): Promise<void> {
    if (local.asking || local.current !== undefined || this.#closed) return;
    local.asking = true;
    try {
      local.ability = await local.job.ability();
    } catch (error) {
      this.#options.log.warn({ job: local.job.name, err: error }, 'a job does not say whether it can run here');
      local.ability = 'unable';
    } finally {
      local.asking = false;
    }
    if (local.ability === 'unable' || this.#closed) return;
    const run = local.waiting.shift();
    if (run === undefined) return;
    const abort = new AbortController();
    local.current = { run, abort, done: this.#begin(local, run, abort.signal) };
  }

  async #begin(local: LocalJob, run: LocalRun, signal: AbortSignal): Promise<void> {
    const { listener, node } = this.#options;
    const attempt = run.record.attempt + 1;
    run.record = { ...run.record, state: 'running', attempt, node, startedMs: wallClockMs(), reason: '' };
    await Promise.resolve(); // so that `current` is set before anything is told
    listener.onStart(run.record);
    const { slotMs, asked } = run.record;
    const report = (progress: RunRecord['progress']): void => {
      run.record = { ...run.record, progress };
    };
    try {
      const result = await local.job.run({ slotMs, asked, attempt, input: run.input, signal, report });
      run.record = { ...run.record, state: 'succeeded', endedMs: wallClockMs(), result };
    } catch (error) {
      run.record = { ...run.record, state: 'failed', endedMs: wallClockMs(), reason: reasonOf(error) };
    }
    local.current = undefined;
    if (this.#closed && run.record.state === 'failed') return;
    if (run.record.state === 'failed' && attempt < run.record.attempts) this.#retryLater(local, run);
    else await this.#end(local, run.record);
    void this.#take(local);
  }

  #retryLater(local: LocalJob, run: LocalRun): void {
    run.record = { ...run.record, state: 'waiting', progress: undefined };
    const waitMs = local.job.backoffMs * 2 ** (run.record.attempt - 1);
    const again = (): void => {
      local.retries.delete(run);
      local.waiting.push(run);
      void this.#take(local);
    };
    local.retries.set(run, setTimeout(again, waitMs).unref());
    this.#options.listener.onRetry(run.record);
  }

  async #end(local: LocalJob, record: RunRecord): Promise<void> {
    const kept = keptRuns(local.job.pattern, wallClockMs());
    local.ended = [record, ...local.ended].slice(0, kept);
    await this.#options.listener.onEnd(record);
  }
}
