import type { Cluster, Redis } from 'ioredis';
import type { Log } from '../../shared/log.ts';
import type { EventLog } from '../events/event-log.ts';
import type { RedisConnections } from '../redis/redis-connections.ts';
import { JobStandings } from './job-standings.ts';
import type { JobStanding } from './job-standings.ts';
import type { Job, JobAbility } from './job.ts';
import { LocalSchedule } from './local-schedule.ts';
import { RunCounts } from './run-counts.ts';
import type { RunListener, RunRecord, Schedule, ScheduleOptions } from './schedule.ts';
import { slotAfter } from './slots.ts';
import { within } from './within.ts';

/** So many slots in a row that fail are somebody's business. */
const FAILING_SLOTS = 3;
const RENEW_EVERY_MS = 60_000;
const STAND_IN_AFTER_MS = 600_000;
/** Kept of the time for an orderly end, for the other one. */
const FORCE_MS = 500;

export interface JobsOptions {
  readonly jobs: readonly Job[];
  /** Name of this node. */
  readonly node: string;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  /** Of the Redis through which the nodes share the jobs out; closed here. `undefined`: this process does them all. */
  readonly connections: RedisConnections | undefined;
  /** Jobs that fail again and again, in words; empty = none does. */
  readonly onFailing: (reasons: readonly string[]) => void;
  readonly wallClockMs: () => number;
  /** They begin then; what they need takes a while to load. Default: at once. */
  readonly after?: Promise<void>;
  /** Only tests set them. */
  readonly renewEveryMs?: number;
  readonly standInAfterMs?: number;
}

/** A job as this node sees it. */
export interface JobView {
  readonly name: string;
  readonly description: string;
  readonly pattern: string;
  readonly ability: JobAbility;
  readonly nextMs: number;
  readonly standing: JobStanding | undefined;
  /** Three slots in a row failed, or more. */
  readonly failing: boolean;
}

/** The jobs of this node. */
export interface Jobs {
  readonly scope: 'cluster' | 'node';
  /** One more, from now on; one of a name that there is already changes nothing. */
  add(job: Job): void;
  /** What is known without asking anybody. */
  list(): readonly JobView[];
  has(name: string): boolean;
  /** Wants a run now. @throws {Error} when nobody can be asked; the message says why */
  run(name: string, input?: unknown): Promise<RunRecord>;
  /** A run, as it is now; `undefined` = not known any more. @throws {Error} as `run` does */
  follow(name: string, id: string): Promise<RunRecord | undefined>;
  /** Runs that wait or run, and the last that ended; the newest first. @throws {Error} as `run` does */
  history(name: string): Promise<readonly RunRecord[]>;
  /** What this node ran. */
  readonly counts: RunCounts;
  /**
   * Aborts what runs and leaves it to others; takes no longer than this or half a second, whatever Redis does, and where
   * Redis does not answer a second or two. May be called again with less patience.
   */
  close(deadlineMs: number): Promise<void>;
}

/** Starts the jobs; none: nothing is connected. */
export function startJobs(options: JobsOptions): Jobs {
  const { connections, log, events } = options;
  const jobs = [...options.jobs];
  const counts = new RunCounts();
  let standings = new JobStandings(undefined);
  const failing = new Set<string>();
  const look = (): void => {
    const before = failing.size;
    for (const { name } of jobs) lookAt(name);
    if (before > 0 || failing.size > 0) options.onFailing([...failing].map((name) => failingText(name, standings)));
  };
  const lookAt = (name: string): void => {
    const fails = (standings.of(name)?.failedSlots ?? 0) >= FAILING_SLOTS;
    if (fails === failing.has(name)) return;
    if (fails) {
      failing.add(name);
      log.error({ job: name, ...standings.of(name) }, 'a job keeps failing');
      events.add('job', failingText(name, standings), { job: name });
    } else {
      failing.delete(name);
      log.info({ job: name }, 'a job works again');
    }
  };
  const listener: RunListener = {
    onStart({ job, id, slotMs, asked, attempt }) {
      log.debug({ job, run: id, slot: new Date(slotMs).toISOString(), asked, attempt }, 'job begins');
    },
    onRetry({ job, id, attempt, reason }) {
      counts.add(job, 'retried');
      log.warn({ job, run: id, attempt, reason }, 'job failed, and is tried again');
      events.add('job', `${job} failed, and is tried again: ${reason}`, { job, run: id, attempt, reason });
    },
    async onEnd(run) {
      const { job, id, attempt, reason, result } = run;
      const ok = run.state === 'succeeded';
      const before = standings.of(job);
      counts.add(job, ok ? 'succeeded' : 'failed');
      await standings.add(run);
      const isNews = !ok || before?.lastState !== 'succeeded' || counts.rarely(job, options.wallClockMs());
      if (ok) log[isNews ? 'info' : 'debug']({ job, run: id, ...result }, 'job done');
      else log.warn({ job, run: id, attempt, reason }, 'job failed');
      if (isNews) {
        const text = ok ? `${job}: ${result?.summary ?? 'done'}` : `${job} failed: ${reason}`;
        events.add('job', text, { job, run: id, attempt, state: run.state, ...(ok ? result?.details : { reason }) });
      }
      look();
    },
  };
  const scheduled: ScheduleOptions = {
    jobs,
    node: options.node,
    listener,
    log,
    standInAfterMs: options.standInAfterMs ?? STAND_IN_AFTER_MS,
    renewEveryMs: options.renewEveryMs ?? RENEW_EVERY_MS,
  };
  let closed = false;
  let schedule: Schedule | undefined;
  let reading: NodeJS.Timeout | undefined;
  const open = async (): Promise<Schedule> => {
    await options.after;
    const { made, redis } = await openSchedule(scheduled, connections, () => closed);
    schedule = made;
    standings = new JobStandings(redis);
    const readStandings = (): void => void standings.read().then(look);
    redis?.on('ready', readStandings);
    reading = setInterval(readStandings, scheduled.renewEveryMs).unref();
    return made;
  };
  let opening: Promise<Schedule> | undefined;
  const opened = (): Promise<Schedule> => {
    if (opening === undefined) {
      opening = open();
      opening.catch((error: unknown) => {
        if (!closed) log.error({ err: error }, 'jobs cannot be started');
      });
    }
    return opening;
  };
  if (jobs.length > 0) void opened();
  let orderly: Promise<void> | undefined;
  return {
    get scope() {
      return isShared(scheduled, connections) ? 'cluster' : 'node';
    },
    add(job) {
      if (closed || jobs.some(({ name }) => name === job.name)) return;
      jobs.push(job);
      opened().then(
        (made) => made.add(job),
        () => {}, // told where it is opened
      );
    },
    counts,
    has: (name) => jobs.some((job) => job.name === name),
    list: () =>
      jobs.map(({ name, description, pattern }) => ({
        name,
        description,
        pattern,
        ability: schedule?.ability(name) ?? 'unable',
        nextMs: slotAfter(pattern, options.wallClockMs()),
        standing: standings.of(name),
        failing: failing.has(name),
      })),
    run: async (name, input) => (await opened()).ask(name, input),
    follow: async (name, id) => (await opened()).run(name, id),
    history: async (name) => (await opened()).runs(name),
    async close(deadlineMs) {
      closed = true;
      clearInterval(reading);
      connections?.stopWatching();
      if (schedule !== undefined) {
        const end = (orderly ??= schedule.end());
        await within(end, deadlineMs - FORCE_MS);
        await schedule.endByForce();
      }
      connections?.close();
    },
  };
}

const isShared = (
  { jobs }: ScheduleOptions,
  connections: RedisConnections | undefined,
): connections is RedisConnections => connections !== undefined && jobs.length > 0;

/** BullMQ is loaded only where there is something for it. */
async function openSchedule(
  options: ScheduleOptions,
  connections: RedisConnections | undefined,
  isClosed: () => boolean,
): Promise<{ readonly made: Schedule; readonly redis: Redis | Cluster | undefined }> {
  if (isClosed()) throw new Error('the process ends');
  if (!isShared(options, connections)) return { made: new LocalSchedule(options), redis: undefined };
  const [bull, { QueueSchedule }] = await Promise.all([import('bullmq'), import('./queue-schedule.ts')]);
  if (isClosed()) throw new Error('the process ends');
  const made = new QueueSchedule({ ...options, bull, connections });
  return { made, redis: made.redis };
}

function failingText(name: string, standings: JobStandings): string {
  const { failedSlots = 0, lastText = '' } = standings.of(name) ?? {};
  return `job ${name} has failed ${failedSlots} times in a row: ${lastText}`;
}
