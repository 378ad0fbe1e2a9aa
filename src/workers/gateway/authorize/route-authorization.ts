import type { RouteAuthorizationConfig } from '../../../shared/config/authorize/types.ts';
import type { RequestHead } from '../exchange/request-head.ts';
import { keptMs, setsCookies } from './answer.ts';
import type { AuthorizerWord } from './answer.ts';
import { AuthorizerAsk } from './authorizer-ask.ts';
import type { AskingThread, AskOwner, Authorizer, AuthorizedRequest } from './authorizer-ask.ts';
import type { FailureLog } from './failure-log.ts';
import { keyOf } from './question.ts';
import type { Told } from './question.ts';
import { splitFields } from './told-fields.ts';
import type { WordCache } from './word-cache.ts';

/** Why a request is refused that leaves open which of several fields the authorizer should judge by. */
export const REPEATED_TOLD = 'A field that the authorizer is told is there twice.';

/** What it uses of its thread. */
interface AuthorizingThread extends AskingThread {
  readonly words: WordCache;
  readonly failures: FailureLog;
}

export interface RouteAuthorizationParts {
  readonly thread: AuthorizingThread;
  /** Lower-case names of fields that only an authorizer may say to the upstream. */
  readonly guarded: ReadonlySet<string>;
  /** `undefined` = the route itself asks nobody. */
  readonly asks:
    | { readonly config: RouteAuthorizationConfig; readonly authorizer: Authorizer; readonly route: string }
    | undefined;
}

const NOTHING: ReadonlySet<string> = new Set();

/** How one route lets an authorizer judge its requests; made when configuration is read. */
export class RouteAuthorization implements AskOwner {
  /** Requests wait for an answer. */
  readonly asks: boolean;
  readonly #parts: RouteAuthorizationParts;
  readonly #fields: { readonly told: ReadonlySet<string>; readonly guarded: ReadonlySet<string> };
  /** Under way, by what the answers will hold for. */
  readonly #asks = new Map<string, AuthorizerAsk>();

  constructor(parts: RouteAuthorizationParts) {
    const { asks, guarded } = parts;
    this.#parts = parts;
    this.asks = asks !== undefined;
    this.#fields = { told: asks === undefined ? NOTHING : new Set(asks.config.forward), guarded };
  }

  /**
   * Takes what it needs of the request, and out of it what clients may not say.
   * @param around what proxies are told of the client, and Via
   * @returns `undefined` = a field that is told stands there twice
   */
  take(head: RequestHead, around: Omit<Told, 'client'>): { readonly told: Told; readonly kept: string } | undefined {
    const { told: client, kept, repeated } = splitFields(head.fields, this.#fields);
    return repeated ? undefined : { told: { client, ...around }, kept };
  }

  /** Lines of a request's trailers without what clients may not say. */
  withoutGuarded(lines: string): string {
    return splitFields(lines, { told: NOTHING, guarded: this.#fields.guarded }).kept;
  }

  /** Whether it may pass: known, asked already for an equal request, or asked now. */
  decide(request: AuthorizedRequest): void {
    const { thread, asks } = this.#parts;
    const { config, route } = asks as NonNullable<RouteAuthorizationParts['asks']>;
    const { cacheBy, cacheMs, negativeCacheMs } = config;
    const key = cacheMs === 0 && negativeCacheMs === 0 ? '' : keyOf(request, { route, cacheBy });
    if (key === '') return this.#ask(request, '');
    const known = thread.words.get(key, thread.deadlines.nowMs);
    if (known !== undefined) return request.onAuthorized(known, true);
    // Where a yes holds for one request only, each asks for itself.
    const under = cacheMs === 0 ? undefined : this.#asks.get(key);
    if (under === undefined) this.#ask(request, key);
    else under.join(request);
  }

  #ask(request: AuthorizedRequest, key: string): void {
    const { thread, asks } = this.#parts;
    const { authorizer } = asks as NonNullable<RouteAuthorizationParts['asks']>;
    const ask = new AuthorizerAsk({ authorizer, thread, owner: this }, request, key);
    if (key !== '') this.#asks.set(key, ask);
    ask.start();
  }

  onWord(ask: AuthorizerAsk, word: AuthorizerWord, fields: string): void {
    const { thread, asks } = this.#parts;
    const { config } = asks as NonNullable<RouteAuthorizationParts['asks']>;
    const { key } = ask;
    this.onGivenUp(ask);
    const keepMs = this.#keptMs(word, fields, config);
    const { nowMs } = thread.deadlines;
    if (word.outcome !== 'unavailable') {
      thread.failures.answered(config.upstream);
      if (keepMs > 0 && key !== '') thread.words.put(key, word, { nowMs, keptMs: keepMs });
    }
    const isForAll = keepMs > 0 || word.outcome === 'unavailable';
    let isFirst = true;
    // While one is told another may leave: a Set bears that.
    for (const request of ask.waiting) {
      ask.waiting.delete(request);
      request.asking = undefined;
      if (isFirst || isForAll) this.#tell(request, word);
      else this.#ask(request, ''); // the answer was for one request
      isFirst = false;
    }
  }

  #tell(request: AuthorizedRequest, word: AuthorizerWord): void {
    const { thread, asks } = this.#parts;
    const { config } = asks as NonNullable<RouteAuthorizationParts['asks']>;
    if (word.outcome !== 'unavailable') return request.onAuthorized(word, false);
    // A client that has more than its share does not get in by that.
    const passed = config.onFailure === 'open' && word.code === 'authorizer_unavailable';
    thread.failures.failed(config.upstream, { reason: word.reason, passed }, thread.deadlines.nowMs);
    request.onAuthorized(passed ? { outcome: 'passed' } : word, false);
  }

  #keptMs(word: AuthorizerWord, fields: string, config: RouteAuthorizationConfig): number {
    if (word.outcome === 'granted') return keptMs(fields, config.cacheMs);
    if (word.outcome === 'unavailable' || setsCookies(fields)) return 0;
    return keptMs(fields, config.negativeCacheMs);
  }

  onGivenUp(ask: AuthorizerAsk): void {
    if (this.#asks.get(ask.key) === ask) this.#asks.delete(ask.key);
  }
}
