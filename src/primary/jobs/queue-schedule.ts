import type { Cluster, Redis } from 'ioredis';
import { monotonicMs } from '../../shared/clock.ts';
import type { RedisBehaviour } from '../../shared/redis/connect.ts';
import { GivenUp } from '../../shared/redis/given-up.ts';
import { JOB_STANDINGS_KEY } from '../../shared/redis/keys.ts';
import type { RedisConnections } from '../redis/redis-connections.ts';
import type { Job, JobAbility } from './job.ts';
import { BLOCK_SECONDS, JobQueue } from './job-queue.ts';
import type { Bull } from './job-queue.ts';
import type { RunRecord, Schedule, ScheduleOptions } from './schedule.ts';
import { untilSilent } from './until-silent.ts';
import { within } from './within.ts';

const AGAIN_MS = 500;
const FORCED_WITHIN_MS = 300;
/** A job that cannot run here is looked at so often: what it lacks may only have been away for a moment. */
const RECONSIDERED_EVERY_MS = 5_000;

const QUESTIONS: RedisBehaviour = {
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  connectTimeout: 1_000,
  commandTimeout: 2_000,
  retryStrategy: () => AGAIN_MS,
};

/** BullMQ waits in commands of `BLOCK_SECONDS`, and expects its commands to wait for Redis. */
const RUNS: RedisBehaviour = {
  maxRetriesPerRequest: null,
  autoResubscribe: false,
  connectTimeout: 1_000,
  socketTimeout: (BLOCK_SECONDS + 5) * 1_000,
  enableOfflineQueue: true,
  retryStrategy: () => AGAIN_MS,
};

export interface QueueScheduleOptions extends ScheduleOptions {
  readonly bull: Bull;
  /** Closed by whoever made them, after `close`. */
  readonly connections: RedisConnections;
}

/** The schedule that nodes share through Redis. */
export class QueueSchedule implements Schedule {
  readonly scope = 'cluster';
  /** For questions, which fail at once while Redis is away. */
  readonly redis: Redis | Cluster;
  readonly #queues = new Map<string, JobQueue>();
  readonly #open: (job: Job) => JobQueue;
  #closed = false;
  readonly #whyNot: () => string;
  readonly #copies: ReadonlyMap<Redis | Cluster, GivenUp>;
  readonly #renewal: NodeJS.Timeout;
  readonly #reconsidering: NodeJS.Timeout;

  constructor({ bull, connections, ...options }: QueueScheduleOptions) {
    const questions = connections.open('jobs', QUESTIONS);
    this.redis = questions;
    const runs = connections.open('job runs', RUNS);
    this.#copies = copiesOf(runs);
    const redis = { questions, runs };
    this.#whyNot = () => connections.whyNot('jobs');
    this.#open = (job) => new JobQueue(bull, redis, { ...options, job });
    for (const job of options.jobs) this.add(job);
    const renew = (): void => {
      for (const queue of this.#queues.values()) void queue.renew();
    };
    questions.on('ready', renew);
    this.#renewal = setInterval(renew, options.renewEveryMs).unref();
    this.#reconsidering = setInterval(() => {
      for (const queue of this.#queues.values()) void queue.reconsider();
      for (const givenUp of this.#copies.values()) givenUp.look(monotonicMs());
    }, RECONSIDERED_EVERY_MS).unref();
  }

  add(job: Job): void {
    if (this.#queues.has(job.name) || this.#closed) return;
    const queue = this.#open(job);
    this.#queues.set(job.name, queue);
    // Else it is done once Redis answers: until then nobody is told that this node can.
    if (this.redis.status === 'ready') void queue.renew();
  }

  ask(job: string, input: unknown): Promise<RunRecord> {
    return this.#asked(() => this.#queue(job).ask(input));
  }

  runs(job: string): Promise<readonly RunRecord[]> {
    return this.#asked(() => this.#queue(job).runs());
  }

  run(job: string, id: string): Promise<RunRecord | undefined> {
    return this.#asked(() => this.#queue(job).run(id));
  }

  ability(job: string): JobAbility {
    return this.#queue(job).ability;
  }

  async end(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#renewal);
    clearInterval(this.#reconsidering);
    const ended = new AbortController();
    const closing = Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    // BullMQ waits for ever for a Redis that is away or silent: nothing can be given back to it, and others find out.
    const silent = untilSilent(() => this.redis.hlen(JOB_STANDINGS_KEY), ended.signal);
    await Promise.race([closing, silent]);
    ended.abort();
  }

  async endByForce(): Promise<void> {
    const all = [...this.#queues.values()].map((queue) => queue.closeByForce());
    // BullMQ waits for a Redis that is away or silent.
    await within(Promise.allSettled(all), FORCED_WITHIN_MS);
    for (const copy of this.#copies.keys()) copy.disconnect();
  }

  #queue(name: string): JobQueue {
    const found = this.#queues.get(name);
    if (found === undefined) throw new Error(`there is no job ${name}`);
    return found;
  }

  async #asked<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw new Error(`the Redis of the jobs cannot be asked: ${this.#whyNot()}`, { cause: error });
    }
  }
}

function takeLogin(copy: Redis | Cluster, from: Redis | Cluster): void {
  if ('nodes' in copy || 'nodes' in from) return;
  const { username, password, tls, sentinelUsername, sentinelPassword } = from.options;
  const login = { username, password, sentinelUsername, sentinelPassword };
  Object.assign(copy.options, login, tls === undefined ? {} : { tls });
}

/** The connections that BullMQ makes like this one, to wait on: it does not always end them. */
function copiesOf(client: Redis | Cluster): ReadonlyMap<Redis | Cluster, GivenUp> {
  const copies = new Map<Redis | Cluster, GivenUp>();
  const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => Redis | Cluster;
  const kept = (...args: unknown[]): Redis | Cluster => {
    const copy = duplicate(...args);
    copies.set(copy, new GivenUp(copy));
    // A password that is given to the one is for the others, too, from their next handshake on.
    copy.on('close', () => takeLogin(copy, client));
    copy.once('end', () => copies.delete(copy));
    return copy;
  };
  return Object.assign(client, { duplicate: kept }) && copies;
}
