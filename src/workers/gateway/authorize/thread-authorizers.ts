import type { Config, RouteConfig, TimeoutsConfig } from '../../../shared/config/types.ts';
import type { Log } from '../../../shared/log.ts';
import type { OutcomeRule } from '../../../shared/breaker/outcome.ts';
import type { BreakerGate } from '../breaker/gate.ts';
import type { Deadlines } from '../deadlines.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { AskingThread } from './authorizer-ask.ts';
import { FailureLog } from './failure-log.ts';
import { RouteAuthorization } from './route-authorization.ts';
import { WordCache } from './word-cache.ts';

export interface ThreadAuthorizersParts {
  readonly config: Config;
  readonly deadlines: Deadlines;
  readonly metrics: ThreadMetrics;
  readonly breaker: BreakerGate;
  readonly log: Log;
}

/** An upstream that is asked. */
export interface AskedUpstream {
  readonly upstream: Upstream;
  readonly breakerPlace: number;
  readonly outcomes: OutcomeRule;
}

/** Whom the routes of one request thread ask whether requests may pass, and what is known of the answers. */
export class ThreadAuthorizers implements AskingThread {
  readonly deadlines: Deadlines;
  readonly metrics: ThreadMetrics;
  readonly breaker: BreakerGate;
  readonly words: WordCache;
  readonly failures: FailureLog;
  readonly #log: Log;

  constructor({ config, deadlines, metrics, breaker, log }: ThreadAuthorizersParts) {
    this.deadlines = deadlines;
    this.metrics = metrics;
    this.breaker = breaker;
    this.words = new WordCache(config.identities.cacheEntries);
    this.failures = new FailureLog(log);
    this.#log = log;
  }

  /** Before routes are made from the configuration: what was said under another holds no longer. */
  apply(config: Config): void {
    this.words.clear();
    this.words.configure(config.identities.cacheEntries);
  }

  /** `undefined` = the route asks nobody, and nobody says anything of its callers. */
  of(route: RouteConfig, find: (upstream: string) => AskedUpstream): RouteAuthorization | undefined {
    const { authorization: config, authorizedFields, name } = route;
    if (config === undefined && authorizedFields.length === 0) return undefined;
    const guarded = new Set(authorizedFields);
    if (config === undefined) return new RouteAuthorization({ thread: this, guarded, asks: undefined });
    const { upstream, breakerPlace, outcomes } = find(config.upstream);
    const { target: forwardTarget, timeoutMs } = config;
    const routeConfig = { timeouts: timeoutsOf(timeoutMs), preserveHost: false, retries: undefined };
    const authorizer = {
      stages: { upstream },
      routeConfig,
      breakerPlace,
      outcomes,
      forwardTarget,
      copy: new Set(config.copy),
    };
    return new RouteAuthorization({ thread: this, guarded, asks: { config, authorizer, route: name } });
  }

  tick(nowMs: number): void {
    if (this.words.size > 0) this.words.tick(nowMs);
  }

  onAskFault(error: unknown): void {
    this.#log.error({ err: error }, 'asking an authorizer failed');
  }
}

/** One time-out for all that is done. */
const timeoutsOf = (timeoutMs: number): TimeoutsConfig => ({
  connectMs: timeoutMs,
  headersMs: timeoutMs,
  bodyIdleMs: timeoutMs,
  uploadMs: 0,
  totalMs: timeoutMs,
});
