import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { parseJson } from '../../shared/parse-json.ts';
import { JOB_STANDINGS_KEY } from '../../shared/redis/keys.ts';
import type { RunRecord } from './schedule.ts';

const standing = z.object({
  lastSuccessMs: z.number().nullable(),
  lastEndMs: z.number(),
  lastState: z.enum(['succeeded', 'failed']),
  /** Summary or reason. */
  lastText: z.string(),
  node: z.string(),
  /** Slots in a row that failed, all attempts of each. */
  failedSlots: z.number(),
});

/** How a job has been doing, whichever node ran it. */
export type JobStanding = z.infer<typeof standing>;

/** A success that says nothing new is told the others no more often than this: a sweep of every few seconds is cheap so. */
const TELL_EVERY_MS = 10_000;

/** The standing after this run. A run by hand can mend it, but fails no slot. */
export function standingAfter(before: JobStanding | undefined, run: RunRecord): JobStanding {
  const endMs = run.endedMs ?? run.slotMs;
  const ended = { lastEndMs: endMs, node: run.node, lastText: run.result?.summary ?? run.reason };
  if (run.state === 'succeeded') return { ...ended, lastState: 'succeeded', lastSuccessMs: endMs, failedSlots: 0 };
  const failedSlots = (before?.failedSlots ?? 0) + (run.asked === 'schedule' ? 1 : 0);
  return { ...ended, lastState: 'failed', lastSuccessMs: before?.lastSuccessMs ?? null, failedSlots };
}

/** The standings of all jobs, as far as this node knows; with a Redis, those of all nodes. Never rejects. */
export class JobStandings {
  readonly #redis: Redis | Cluster | undefined;
  #known = new Map<string, JobStanding>();
  readonly #toldMs = new Map<string, number>();

  constructor(redis: Redis | Cluster | undefined) {
    this.#redis = redis;
  }

  of(job: string): JobStanding | undefined {
    return this.#known.get(job);
  }

  /** Reads what other nodes have told. */
  async read(): Promise<void> {
    if (this.#redis?.status !== 'ready') return;
    const told = await this.#redis.hgetall(JOB_STANDINGS_KEY).catch(() => ({}));
    for (const [job, text] of Object.entries(told)) this.#take(job, parseJson(standing, text));
  }

  async add(run: RunRecord): Promise<JobStanding> {
    const known = this.#known.get(run.job);
    const endMs = run.endedMs ?? run.slotMs;
    const isNews = run.state === 'failed' || known?.failedSlots !== 0 || run.asked === 'hand';
    const tells = isNews || endMs - (this.#toldMs.get(run.job) ?? 0) >= TELL_EVERY_MS;
    // Others may have run it since: nobody else does now, so nothing comes in between.
    if (run.state === 'failed') await this.#readOne(run.job);
    const after = standingAfter(this.#known.get(run.job), run);
    this.#known.set(run.job, after);
    if (tells && this.#redis?.status === 'ready') {
      this.#toldMs.set(run.job, endMs);
      await this.#redis.hset(JOB_STANDINGS_KEY, run.job, JSON.stringify(after)).catch(() => {});
    }
    return after;
  }

  async #readOne(job: string): Promise<void> {
    if (this.#redis?.status !== 'ready') return;
    const text = await this.#redis.hget(JOB_STANDINGS_KEY, job).catch(() => null);
    this.#take(job, parseJson(standing, text ?? ''));
  }

  /** The newer of what is told and what is known: Redis may have lost what this node knows. */
  #take(job: string, told: JobStanding | undefined): void {
    const known = this.#known.get(job);
    if (told !== undefined && told.lastEndMs >= (known?.lastEndMs ?? 0)) this.#known.set(job, told);
  }
}
