import type { Queue, Worker } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { wallClockMs } from '../../shared/clock.ts';
import { JOBS_PREFIX } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import type { Job, JobAbility, JobProgress, JobResult } from './job.ts';
import { recordOf, slotOf, waitedMs } from './queued-run.ts';
import type { QueuedRun, RunData } from './queued-run.ts';
import { reasonOf } from './schedule.ts';
import type { RunRecord, ScheduleOptions } from './schedule.ts';
import { keptRuns, periodOf } from './slots.ts';

export type Bull = Pick<typeof import('bullmq'), 'Queue' | 'Worker' | 'WaitingError'>;

/** A run by hand is for somebody who waits for it. */
const STAND_IN_BY_HAND_MS = 15_000;
const PROGRESS_EVERY_MS = 500;
/** Lines that BullMQ keeps of what happened, for listeners that we do not have. */
const KEPT_EVENTS = 10;
/** A run whose nodes have died so often is what kills them. */
const MOST_DEATHS = 3;
const LOOK = readScript(new URL('look-5.lua', import.meta.url));
const LONGEST_LOCK_MS = 30_000;
const SHORTEST_LOCK_MS = 1_000;
const AGAIN_MS = 1_000;
const TAKEN_OVER = 'another node has taken the run over';
/** How long a worker waits in one command; twice 10 s, BullMQ's own limit, would be a command more every ten seconds. */
export const BLOCK_SECONDS = 30;

/** Where a queue is kept. */
export interface QueueRedis {
  /** For questions; they fail at once while Redis is away. */
  readonly questions: Redis | Cluster;
  /** For the runs; commands wait for Redis. */
  readonly runs: Redis | Cluster;
}

interface Current {
  readonly run: QueuedRun;
  readonly abort: AbortController;
}

/** One job on BullMQ: a queue of its own, so that a long run of one job holds up no other. */
export class JobQueue {
  readonly job: Job;
  ability: JobAbility = 'unable';
  readonly #bull: Bull;
  readonly #redis: QueueRedis;
  readonly #options: ScheduleOptions;
  readonly #queue: Queue;
  readonly #kept: number;
  readonly #lockMs: number;
  #worker: Worker | undefined;
  #current: Current | undefined;
  #renewing = false;
  #closed = false;

  constructor(bull: Bull, redis: QueueRedis, { job, ...options }: ScheduleOptions & { readonly job: Job }) {
    this.job = job;
    this.#bull = bull;
    this.#redis = redis;
    this.#options = options;
    const nowMs = wallClockMs();
    this.#kept = keptRuns(job.pattern, nowMs);
    // What a dead node had begun is begun again within two periods: its lock runs out, and two looks find that.
    const halfPeriodMs = Math.floor(periodOf(job.pattern, nowMs) / 2);
    this.#lockMs = Math.min(Math.max(halfPeriodMs, SHORTEST_LOCK_MS), LONGEST_LOCK_MS);
    this.#queue = new bull.Queue(job.name, {
      connection: redis.questions,
      prefix: JOBS_PREFIX,
      skipVersionCheck: true,
      streams: { events: { maxLen: KEPT_EVENTS } },
    });
    this.#queue.on('error', () => {}); // told by the watch of the connection
  }

  async ask(input: unknown): Promise<RunRecord> {
    const slotMs = wallClockMs();
    const data: RunData = { slotMs, ...(input === undefined ? {} : { input }) };
    const run = await this.#queue.add(this.job.name, data, this.#keeping({ attempts: 1 }));
    return recordOf(run as QueuedRun, 'waiting');
  }

  async runs(): Promise<readonly RunRecord[]> {
    const of = async (state: 'active' | 'waiting' | 'delayed' | 'failed' | 'completed', as: RunRecord['state']) =>
      ((await this.#queue.getJobs([state], 0, this.#kept - 1)) as (QueuedRun | undefined)[]).flatMap((run) =>
        run === undefined ? [] : [recordOf(run, as)],
      );
    const found = await Promise.all([
      of('active', 'running'),
      of('waiting', 'waiting'),
      of('delayed', 'waiting'),
      of('failed', 'failed'),
      of('completed', 'succeeded'),
    ]);
    const nowMs = wallClockMs();
    const isRun = ({ slotMs, attempt }: RunRecord): boolean => slotMs <= nowMs || attempt > 0;
    return found
      .flat()
      .filter(isRun)
      .sort((a, b) => b.slotMs - a.slotMs);
  }

  async run(id: string): Promise<RunRecord | undefined> {
    const run = (await this.#queue.getJob(id)) as QueuedRun | undefined;
    if (run === undefined) return undefined;
    const state = await run.getState();
    if (state === 'unknown') return undefined;
    const as = { active: 'running', completed: 'succeeded', failed: 'failed' } as const;
    return recordOf(run, state in as ? as[state as keyof typeof as] : 'waiting');
  }

  /** Sees that the schedule is there, and takes runs or lets them be, as the job is able to. Never rejects. */
  async renew(): Promise<void> {
    if (this.#renewing || this.#closed) return;
    this.#renewing = true;
    try {
      await this.#askAbility();
      if (this.#redis.questions.status !== 'ready') return;
      await this.#upsert();
      await this.#workOrRest();
    } catch (error) {
      this.#options.log.debug({ job: this.job.name, err: error }, 'the schedule of a job could not be looked at');
    } finally {
      this.#renewing = false;
    }
  }

  /** Takes runs again as soon as the job is able to. Redis is asked nothing before. Never rejects. */
  async reconsider(): Promise<void> {
    if (this.ability === 'unable' && !this.#renewing && (await this.#askAbility()) !== 'unable') await this.renew();
  }

  /** Aborts what runs and gives it back. Resolves when BullMQ has ended, which may be never. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.abort.abort(new Error('the process ends'));
    await this.#worker?.close();
  }

  /** Ends without waiting for anything. */
  async closeByForce(): Promise<void> {
    await Promise.allSettled([this.#worker?.close(true), this.#queue.close()]);
  }

  #keeping<T extends object>(options: T): T & { removeOnComplete: { count: number }; removeOnFail: { count: number } } {
    return { ...options, removeOnComplete: { count: this.#kept }, removeOnFail: { count: this.#kept } };
  }

  async #askAbility(): Promise<JobAbility> {
    try {
      this.ability = await this.job.ability();
    } catch (error) {
      this.#options.log.warn({ job: this.job.name, err: error }, 'a job does not say whether it can run here');
      this.ability = 'unable';
    }
    return this.ability;
  }

  /**
   * Makes the schedule where it is missing or another. It is left alone otherwise: to make it anew in the instant in which
   * a slot is due would drop that slot.
   */
  async #upsert(): Promise<void> {
    const { name, pattern, attempts, backoffMs } = this.job;
    const key = `${JOBS_PREFIX}:${name}`;
    const opts = this.#keeping({ attempts, backoff: { type: 'exponential', delay: backoffMs } });
    // BullMQ packs the options; what is compared is our own word.
    const word = `${pattern} ${attempts} ${backoffMs}`;
    const keys = ['repeat', 'meta', 'delayed', 'wait', 'active'].map((each) => `${key}:${each}`);
    const said = { keys, args: [name, word, KEPT_EVENTS] };
    if ((await runScript(this.#redis.questions, LOOK, said)) === 1) return;
    await this.#queue.upsertJobScheduler(name, { pattern, tz: 'UTC' }, { name, data: {}, opts });
    await this.#redis.questions.hset(`${key}:meta`, { schedule: word });
  }

  async #workOrRest(): Promise<void> {
    const takes = this.ability === 'able' || (this.ability === 'stand-in' && (await this.#isOverdue()));
    if (this.#closed) return;
    if (!takes) return this.#worker?.pause(true);
    if (this.#worker === undefined) this.#worker = this.#open();
    else if (this.#worker.isPaused()) await this.#worker.resume();
  }

  async #isOverdue(): Promise<boolean> {
    const nowMs = wallClockMs();
    const first = (await this.#queue.getJobs(['waiting', 'delayed'], 0, 0, true)) as (QueuedRun | undefined)[];
    return first.some((run) => run !== undefined && this.#hasWaited(run, nowMs));
  }

  #hasWaited(run: QueuedRun, nowMs: number): boolean {
    const { standInAfterMs } = this.#options;
    const limitMs = run.data.slotMs === undefined ? standInAfterMs : Math.min(standInAfterMs, STAND_IN_BY_HAND_MS);
    return waitedMs(run, nowMs) >= limitMs;
  }

  #open(): Worker {
    const { node, log } = this.#options;
    const worker = new this.#bull.Worker(this.job.name, (run, token) => this.#process(run as QueuedRun, token), {
      connection: this.#redis.runs,
      prefix: JOBS_PREFIX,
      skipVersionCheck: true,
      name: node,
      concurrency: 1,
      lockDuration: this.#lockMs,
      stalledInterval: this.#lockMs,
      maxStalledCount: MOST_DEATHS,
      runRetryDelay: AGAIN_MS,
      drainDelay: BLOCK_SECONDS,
    });
    Object.defineProperty(worker, 'maximumBlockTimeout', { value: BLOCK_SECONDS });
    worker.on('error', (error) => log.debug({ job: this.job.name, err: error }, 'BullMQ'));
    worker.on('lockRenewalFailed', (ids) => void this.#lockLost(ids));
    worker.on('failed', (run) => {
      if (run?.deferredFailure) void this.#options.listener.onEnd(recordOf(run as QueuedRun, 'failed'));
    });
    return worker;
  }

  /** Another node has it, or Redis has forgotten it: then nobody else has, and it goes on. */
  async #lockLost(ids: readonly string[]): Promise<void> {
    const current = this.#current;
    if (current === undefined || !ids.includes(current.run.id ?? '')) return;
    if (await this.#isKnown(current.run)) current.abort.abort(new Error(TAKEN_OVER));
  }

  /** Whether somebody else has this run, or will have it: for a while this process or Redis may have stood still. */
  async #isTakenOver(run: QueuedRun, token: string | undefined): Promise<boolean> {
    if (wallClockMs() - (run.processedOn ?? 0) < this.#lockMs) return false;
    try {
      const holder = await this.#redis.questions.get(this.#queue.toKey(`${run.id}:lock`));
      return holder !== token && (await this.#isKnown(run));
    } catch {
      return false; // no Redis, nobody who could have taken it
    }
  }

  async #isKnown({ id = '' }: QueuedRun): Promise<boolean> {
    return (await this.run(id).catch(() => undefined)) !== undefined;
  }

  async #process(run: QueuedRun, token: string | undefined): Promise<JobResult> {
    const ability = await this.#askAbility();
    if (this.#closed || ability === 'unable' || (ability === 'stand-in' && !this.#hasWaited(run, wallClockMs()))) {
      void this.#worker?.pause(true);
      return this.#giveBack(run, token);
    }
    const { listener, node } = this.#options;
    const abort = new AbortController();
    this.#current = { run, abort };
    const attempt = run.attemptsMade + 1;
    const record = (state: RunRecord['state'], now: Partial<RunRecord> = {}): RunRecord =>
      recordOf(run, state, { attempt, node, ...now });
    listener.onStart(record('running'));
    const progress = new ProgressLine(run);
    const { slotMs = slotOf(run), input } = run.data;
    const asked = run.data.slotMs === undefined ? 'schedule' : 'hand';
    try {
      const { signal } = abort;
      const report = (now: JobProgress): void => progress.report(now);
      const result = await this.job.run({ slotMs, asked, attempt, input, signal, report });
      if (await this.#isTakenOver(run, token)) throw new Error(TAKEN_OVER);
      await listener.onEnd(record('succeeded', { endedMs: wallClockMs(), result }));
      return result;
    } catch (error) {
      if (this.#closed && abort.signal.aborted) return await this.#giveBack(run, token);
      const reason = reasonOf(error);
      const isLast = attempt >= (run.opts.attempts ?? 1);
      if (abort.signal.aborted || (await this.#isTakenOver(run, token))) void 0; // whoever has it now tells how it ends
      else if (isLast) await listener.onEnd(record('failed', { endedMs: wallClockMs(), reason }));
      else listener.onRetry(record('waiting', { reason }));
      throw new Error(reason, { cause: error });
    } finally {
      progress.close();
      this.#current = undefined;
      if (ability === 'stand-in') void this.#worker?.pause(true);
    }
  }

  /** For another node, and not as an attempt that failed. */
  async #giveBack(run: QueuedRun, token: string | undefined): Promise<never> {
    await run.moveToWait(token);
    throw new this.#bull.WaitingError();
  }
}

/** Tells the queue how far a run is: a new step at once, more of the same now and then. */
class ProgressLine {
  readonly #run: QueuedRun;
  #latest: JobProgress | undefined;
  #step = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(run: QueuedRun) {
    this.#run = run;
  }

  report(progress: JobProgress): void {
    this.#latest = progress;
    if (progress.step !== this.#step) {
      this.#step = progress.step;
      this.#send();
    } else this.#timer ??= setTimeout(() => this.#send(), PROGRESS_EVERY_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#latest = undefined;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#latest !== undefined) this.#run.updateProgress({ ...this.#latest }).catch(() => {});
  }
}
