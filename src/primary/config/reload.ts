import { wallClockMs } from '../../shared/clock.ts';
import { formatProblems } from '../../shared/config/problems.ts';
import type { Problem } from '../../shared/config/problems.ts';
import type { Config, RedisConfig } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { LoadResult } from './load-config.ts';
import { planReload } from './reload-plan.ts';
import type { LoadedConfig, ReloadPlan } from './reload-plan.ts';
import { replaceThreads } from '../threads/replace-threads.ts';
import type { ActiveConfig } from '../threads/thread-handle.ts';
import type { RequestThreads } from '../threads/request-threads.ts';
import { TicketKeyRing } from './ticket-key-ring.ts';

const APPLIED_WITHIN_MS = 5_000;

export type ReloadOutcome =
  | {
      readonly kind: 'applied';
      readonly version: number;
      readonly needsRestart: readonly string[];
      /** Every thread that gets connections uses it. `false`: one did not say so in time. */
      readonly complete: boolean;
      /** Why Redis does not take what it is shown now; open connections stay as they are. '' = it does, or nothing is new. */
      readonly redisRefuses: string;
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** An attempt, and when it was over by the time of day. */
export interface LastReload {
  readonly atMs: number;
  readonly outcome: ReloadOutcome;
}

export interface ReloadOptions {
  readonly load: () => LoadResult;
  readonly first: LoadedConfig;
  /** Of the first, in words. */
  readonly warnings?: readonly string[];
  /** Parts of the front that take a new configuration, in this order, before the threads get it. */
  readonly parts: readonly { configure(config: Config): void }[];
  /** Shows Redis another password or other certificates. @returns why it does not take them; '' = it does */
  readonly tryRedis: (config: RedisConfig) => Promise<string>;
  readonly log: Log;
}

/** One line each. */
export const linesOf = (problems: readonly Problem[]): readonly string[] =>
  problems.map((each) => formatProblems([each]));

const unusable = (error: unknown): Problem => ({
  key: '',
  value: undefined,
  expected: 'one that every part of the gateway can use',
  reason: error instanceof Error ? error.message : String(error),
});

/** The configuration that is active, and how a new one takes its place. */
export class Reload {
  readonly #options: ReloadOptions;
  readonly #ticketKeys: TicketKeyRing;
  #loaded: LoadedConfig;
  #warnings: readonly string[];
  #version = 1;
  #queue: Promise<unknown> = Promise.resolve();
  #last: LastReload | undefined;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#loaded = options.first;
    this.#warnings = options.warnings ?? [];
    this.#ticketKeys = new TicketKeyRing(options.first.tls?.ticketKeys);
  }

  active(): ActiveConfig {
    const { config, tls } = this.#loaded;
    const ticketKeys = this.#ticketKeys.current;
    return {
      config,
      version: this.#version,
      tls: tls === undefined ? undefined : { certificates: tls.certificates, ticketKeys, clientCa: tls.clientCa },
    };
  }

  /** Gives random keys of session tickets their successors; those of a file stay. */
  rotateTicketKeys(threads: RequestThreads): void {
    if (!this.#ticketKeys.rotate()) return;
    threads.tellAll({ to: 'front', type: 'ticket-keys', keys: this.#ticketKeys.current });
  }

  /** What works but is hardly meant, or weak, in the configuration that is active. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The newest attempt; `undefined`: none since the start. */
  get last(): LastReload | undefined {
    return this.#last;
  }

  /** What a reload with this would do. */
  plan(next: LoadedConfig): ReloadPlan {
    return planReload(this.#loaded, next);
  }

  /** Reads the configuration again and applies it; an invalid one changes nothing. One after another; never rejects. */
  run(threads: RequestThreads): Promise<ReloadOutcome> {
    return this.#inTurn(() => this.#attempt(threads, this.#load(this.#options.load)));
  }

  /** The same with what `load` finds when it is its turn. @returns `undefined`: it found that there is no need any more */
  runIf(threads: RequestThreads, load: () => LoadResult | undefined): Promise<ReloadOutcome | undefined> {
    return this.#inTurn(async () => {
      const result = this.#load(load);
      return result === undefined ? undefined : this.#attempt(threads, result);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work);
    this.#queue = next;
    return next;
  }

  async #attempt(threads: RequestThreads, result: LoadResult): Promise<ReloadOutcome> {
    const outcome = await this.#reload(threads, result);
    this.#last = { atMs: wallClockMs(), outcome };
    return outcome;
  }

  #load<T extends LoadResult | undefined>(load: () => T): T | LoadResult {
    try {
      return load();
    } catch (error) {
      return { ok: false, problems: [{ ...unusable(error), expected: 'readable files' }] };
    }
  }

  #take(loaded: LoadedConfig, threads: RequestThreads): void {
    this.#loaded = loaded;
    this.#ticketKeys.take(loaded.tls?.ticketKeys);
    for (const part of this.#options.parts) part.configure(loaded.config);
    threads.sendConfig();
  }

  async #reload(threads: RequestThreads, result: LoadResult): Promise<ReloadOutcome> {
    const { log } = this.#options;
    if (!result.ok) {
      const { problems } = result;
      log.error(
        { problems: formatProblems(problems).split('\n') },
        'the new configuration is refused; the old one stays',
      );
      return { kind: 'refused', problems };
    }
    const { loaded, needsRestart, newRedisLogin, replaceThreads: replace } = planReload(this.#loaded, result.loaded);
    const { config } = loaded;
    const before = this.#loaded;
    const version = ++this.#version;
    try {
      this.#take(loaded, threads);
    } catch (error) {
      // What some parts have taken already they give back, and threads are told once more what they have.
      this.#take(before, threads);
      log.error({ err: error }, 'the new configuration cannot be used; the old one stays');
      return { kind: 'refused', problems: [unusable(error)] };
    }
    log.level = config.logLevel;
    const applied = await threads.until(
      () => threads.all().every(({ state, configVersion }) => state.kind !== 'serving' || configVersion >= version),
      APPLIED_WITHIN_MS,
    );
    const redisRefuses = newRedisLogin === undefined ? '' : await this.#options.tryRedis(newRedisLogin);
    const complete = replace ? (await replaceThreads(threads, log)) && applied : applied;
    this.#warnings = linesOf(result.warnings);
    if (this.#warnings.length > 0) log.warn({ warnings: this.#warnings }, 'configuration warnings');
    if (needsRestart.length > 0) log.warn({ needsRestart }, 'these settings change only with a restart');
    if (redisRefuses !== '') {
      log.error({ reason: redisRefuses }, 'Redis does not take the new password or certificates');
    }
    log[complete ? 'info' : 'error']({ configVersion: version, complete }, 'configuration applied');
    return { kind: 'applied', version, needsRestart, complete, redisRefuses };
  }
}
