import type { Config } from '../../shared/config/types.ts';
import type { BreakerView } from '../breaker/view.ts';
import type { DegradedReasons } from './degraded-reasons.ts';

/** Names of upstreams that some route asks whether requests may pass. */
const authorizersOf = ({ routes }: Config): ReadonlySet<string> =>
  new Set(routes.flatMap(({ authorization }) => (authorization === undefined ? [] : [authorization.upstream])));

/** Whether authorizers can be asked, for `/health`: the upstream behind a route may be well, and nobody gets there. */
export class SilentAuthorizers {
  readonly #degraded: Pick<DegradedReasons, 'of' | 'set'>;
  #names: ReadonlySet<string>;

  constructor(config: Config, degraded: Pick<DegradedReasons, 'of' | 'set'>) {
    this.#names = authorizersOf(config);
    this.#degraded = degraded;
  }

  configure(config: Config): void {
    this.#names = authorizersOf(config);
  }

  /** After a breaker has changed, or the configuration. */
  look(breakers: readonly Pick<BreakerView, 'upstream' | 'state' | 'mode'>[]): void {
    if (this.#names.size === 0 && this.#degraded.of('authorizers').length === 0) return;
    const reasons = breakers
      .filter(({ upstream, mode, state }) => this.#names.has(upstream) && mode === 'on' && state !== 'CLOSED')
      .map(({ upstream, state }) => `the circuit breaker of ${upstream}, which routes ask who may pass, is ${state}`);
    this.#degraded.set('authorizers', reasons);
  }
}
