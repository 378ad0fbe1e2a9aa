import type { Piscina } from 'piscina';
import { entryUrl } from '../threads/worker-url.ts';
import type { JobTasks, TaskRunner } from './tasks.ts';

export interface TaskThreadsOptions {
  /** Of one core, that all tasks together may use. */
  readonly cpuShare: number;
  /** The module that has them; by default that of the gateway. */
  readonly entry?: URL;
}

/**
 * One thread for tasks, which is there while there is one to do: on a node that serves, backups are in no hurry. The share
 * of a core is kept by resting in proportion to the time a slice took, whatever took it, so that a busy machine is left
 * alone even more.
 */
export class TaskThreads implements TaskRunner, AsyncDisposable {
  readonly #options: TaskThreadsOptions;
  #pool: Promise<Piscina> | undefined;

  constructor(options: TaskThreadsOptions) {
    this.#options = options;
  }

  get cpuShare(): number {
    return this.#options.cpuShare;
  }

  /** @throws {Error} when the task fails, or the signal is aborted: then its thread is ended */
  async run<Name extends keyof JobTasks>(
    name: Name,
    input: JobTasks[Name]['input'],
    signal: AbortSignal,
  ): Promise<JobTasks[Name]['output']> {
    signal.throwIfAborted();
    this.#pool ??= this.#open();
    const pool = await this.#pool;
    try {
      return (await pool.run(
        { cpuShare: this.#options.cpuShare, input },
        { name, signal },
      )) as JobTasks[Name]['output'];
    } catch (error) {
      signal.throwIfAborted(); // its reason says more than that the task was aborted
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pool = await this.#pool;
    await pool?.destroy();
  }

  /** Loaded with the first task: most starts of the gateway and of the command have none. */
  async #open(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const { entry = entryUrl('workers/jobs/main') } = this.#options;
    return new Piscina({ filename: entry.href, minThreads: 0, maxThreads: 1, idleTimeout: 0 });
  }
}
