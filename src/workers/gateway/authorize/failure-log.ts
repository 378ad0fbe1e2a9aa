import type { Log } from '../../../shared/log.ts';
import type { Unavailable } from './answer.ts';

const LOG_EVERY_MS = 10_000;

interface Silence {
  requests: number;
  passed: number;
  loggedMs: number;
}

/** Says that an authorizer does not answer: at once, then every ten seconds with how many requests it was, and when it does again. */
export class FailureLog {
  readonly #log: Pick<Log, 'warn' | 'info'>;
  readonly #silent = new Map<string, Silence>();

  constructor(log: Pick<Log, 'warn' | 'info'>) {
    this.#log = log;
  }

  /** A request has no answer. @param passed it was let pass all the same */
  failed(
    authorizer: string,
    { reason, passed }: { readonly reason: Unavailable['reason']; readonly passed: boolean },
    nowMs: number,
  ): void {
    const silence = this.#silent.get(authorizer) ?? { requests: 0, passed: 0, loggedMs: -Infinity };
    this.#silent.set(authorizer, silence);
    silence.requests++;
    if (passed) silence.passed++;
    const isNew = passed && silence.passed === 1; // a door that stands open is said at once
    if (!isNew && nowMs - silence.loggedMs < LOG_EVERY_MS) return;
    silence.loggedMs = nowMs;
    const { requests, passed: passedUnasked } = silence;
    this.#log.warn(
      { upstream: authorizer, reason, requests, passed_unasked: passedUnasked },
      'the authorizer gives no answer',
    );
  }

  /** It has said yes or no. */
  answered(authorizer: string): void {
    if (this.#silent.size === 0) return;
    const silence = this.#silent.get(authorizer);
    if (silence === undefined) return;
    this.#silent.delete(authorizer);
    const { requests, passed } = silence;
    this.#log.info({ upstream: authorizer, requests, passed_unasked: passed }, 'the authorizer answers again');
  }
}
