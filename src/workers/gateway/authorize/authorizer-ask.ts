import { OUTCOME, outcomeOfError, outcomeOfStatus } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome, OutcomeRule } from '../../../shared/breaker/outcome.ts';
import { monotonicMs } from '../../../shared/clock.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import { ASK, REFUSE, UNTRACKED } from '../breaker/gate.ts';
import type { BreakerGate, GatedCall } from '../breaker/gate.ts';
import type { Deadlines } from '../deadlines.ts';
import { UpstreamCall } from '../exchange/upstream-call.ts';
import type { CallOwner } from '../exchange/upstream-call.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { Connection } from '../upstream/connection.ts';
import { latin1 } from '../upstream/http-bytes.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { denialOf, isDenial, isGrant, linesOf, MOST_DENIAL_BYTES } from './answer.ts';
import type { Authorization, AuthorizerWord, Unavailable } from './answer.ts';
import { questionFields } from './question.ts';
import type { QuestionedRequest } from './question.ts';

/** Where nobody knows better when an authorizer is well again. */
const RETRY_AFTER_SECONDS = 1;

/** A request that waits for its authorization. */
export interface AuthorizedRequest extends QuestionedRequest {
  readonly limitClient: string;
  readonly breakerClient: string;
  readonly priority: Priority;
  /** What it waits for. */
  asking: AuthorizerAsk | undefined;
  /** Once, perhaps within the call that asks. It does not throw. @param known it was said to an equal request before */
  onAuthorized(authorization: Authorization, known: boolean): void;
}

/** Whom a route asks, and how. */
export interface Authorizer {
  readonly stages: { readonly upstream: Upstream };
  readonly routeConfig: CallOwner['routeConfig'];
  /** Row of its circuit breaker; 0 = it has none. */
  readonly breakerPlace: number;
  readonly outcomes: OutcomeRule;
  /** Path and query. */
  readonly forwardTarget: string;
  /** Lower-case names of fields of its answer. */
  readonly copy: ReadonlySet<string>;
}

/** What an ask uses of its thread. */
export interface AskingThread {
  readonly deadlines: Deadlines;
  readonly metrics: ThreadMetrics;
  readonly breaker: BreakerGate;
  onAskFault(error: unknown): void;
}

/** What is done with the answer. */
export interface AskOwner {
  /** Once; then nobody waits in it any more. @param fields of the authorizer's answer, '' where there is none */
  onWord(ask: AuthorizerAsk, word: AuthorizerWord, fields: string): void;
  /** Nobody waits for it, and it was not sent. */
  onGivenUp(ask: AuthorizerAsk): void;
}

export interface AskParts {
  readonly authorizer: Authorizer;
  readonly thread: AskingThread;
  readonly owner: AskOwner;
}

/** One question to an authorizer, for one request or for several that are equal. */
export class AuthorizerAsk implements CallOwner, GatedCall {
  readonly authorizer: Authorizer;
  /** Those that wait, in the order in which they came. */
  readonly waiting = new Set<AuthorizedRequest>();
  readonly startedMs = monotonicMs();
  readonly method = 'GET';
  readonly host = '';
  readonly body = undefined;
  readonly answerStarted = false;
  readonly bytesSent = 0;
  readonly informed = false;
  readonly starting = false;
  readonly mayShare = false;
  readonly probes = false;
  /** It is balanced by address: nobody has proved yet who he is. */
  readonly consumer = '';
  /** What its answer will hold for; `''` = one request. */
  readonly key: string;
  readonly fields: string;
  readonly encoding: 'latin1' | 'utf8';
  // Of the client that asks first: its share of the connections is used.
  readonly address: string;
  readonly limitClient: string;
  readonly breakerClient: string;
  readonly priority: Priority;
  breakerToken = UNTRACKED;
  readonly #thread: AskingThread;
  readonly #owner: AskOwner;
  #call: UpstreamCall | undefined = undefined;
  #over = false;
  /** Of the answer, once its header is here. */
  #status = 0;
  #fields = '';
  #text = '';
  #bodyBytes = 0;

  /** @param first who asks first */
  constructor({ authorizer, thread, owner }: AskParts, first: AuthorizedRequest, key: string) {
    this.authorizer = authorizer;
    this.key = key;
    this.fields = questionFields(first);
    this.encoding = first.encoding;
    this.address = first.address;
    this.limitClient = first.limitClient;
    this.breakerClient = first.breakerClient;
    this.priority = first.priority;
    this.#thread = thread;
    this.#owner = owner;
    this.join(first);
  }

  join(request: AuthorizedRequest): void {
    request.asking = this;
    this.waiting.add(request);
  }

  /**
   * The client has gone. What is on its way goes on for those who ask the same in a moment; what still waits for a
   * connection, and nobody for it, does not.
   */
  leave(request: AuthorizedRequest): void {
    this.waiting.delete(request);
    request.asking = undefined;
    if (this.#over || this.waiting.size > 0 || (this.#call !== undefined && !this.#call.waitsForConnection)) return;
    this.#end(OUTCOME.IGNORED);
    this.#over = true;
    this.#owner.onGivenUp(this);
  }

  /** Asks; the answer may come within this call. */
  start(): void {
    const { breaker } = this.#thread;
    const { breakerPlace } = this.authorizer;
    if (breakerPlace === 0) return this.#send();
    const token = breaker.check(breakerPlace, this.breakerClient);
    if (token !== ASK) return this.#onBreaker(token);
    breaker.ask(breakerPlace, this.breakerClient, (granted) => this.#onBreaker(granted));
  }

  #onBreaker(token: number): void {
    const { breaker } = this.#thread;
    const { breakerPlace } = this.authorizer;
    if (token !== REFUSE) this.breakerToken = token;
    if (this.#over) return this.#tellBreaker(OUTCOME.IGNORED);
    if (token !== REFUSE) return this.#send();
    this.#say(unavailable('circuit_open', breaker.retryAfterSeconds(breakerPlace)));
  }

  #send(): void {
    this.#call = new UpstreamCall(this);
    this.#call.start();
  }

  onUpstreamRead(connection: Connection): void {
    const { parser, bodyStart, bodyEnd, complete } = connection;
    if (connection.headArrived) {
      this.#status = parser.status;
      this.#fields = parser.fields;
    }
    this.#bodyBytes += bodyEnd - bodyStart;
    const tooLong = this.#bodyBytes > MOST_DENIAL_BYTES;
    if (!isDenial(this.#status)) {
      if (connection.headArrived) this.#sayByHead();
    } else if (tooLong) {
      this.#say(denialOf(this.#status, this.#fields, undefined));
    } else {
      if (bodyEnd > bodyStart) this.#text += latin1(connection.readBuffer, bodyStart, bodyEnd);
      if (complete) this.#say(denialOf(this.#status, this.#fields, this.#text));
    }
    if (complete || tooLong) this.#end(OUTCOME.IGNORED);
  }

  /** Its body says nothing to us, and is read only to use the connection again. */
  #sayByHead(): void {
    const { outcomes, copy } = this.authorizer;
    const outcome = outcomeOfStatus(outcomes, this.#status, this.#call?.tookMs ?? -1);
    this.#tellBreaker(outcome);
    if (isGrant(this.#status)) this.#say({ outcome: 'granted', lines: linesOf(this.#fields, copy) });
    else this.#say(unavailable('other_status'));
  }

  onCallFailed(code: ErrorCode): void {
    const said = this.#status > 0;
    this.#end(said ? OUTCOME.IGNORED : outcomeOfError(this.authorizer.outcomes, code));
    // A no is one also where not all of it came.
    if (isDenial(this.#status)) this.#say(denialOf(this.#status, this.#fields, undefined));
    else this.#say(unavailable(code));
  }

  onFault(error: unknown): void {
    this.#thread.onAskFault(error);
    this.#end(OUTCOME.IGNORED);
    this.#say(unavailable('internal_error'));
  }

  #say(word: AuthorizerWord): void {
    if (this.#over) return;
    this.#over = true;
    if (word.outcome === 'denied') {
      const { outcomes } = this.authorizer;
      this.#tellBreaker(outcomeOfStatus(outcomes, this.#status, this.#call?.tookMs ?? -1));
    }
    this.#owner.onWord(this, word, this.#fields);
  }

  /** Nothing more is heard of the call. @param outcome what is said to the breaker where it has not heard yet */
  #end(outcome: BreakerOutcome): void {
    this.#call?.release();
    this.#tellBreaker(outcome);
  }

  #tellBreaker(outcome: BreakerOutcome): void {
    if (this.breakerToken === UNTRACKED) return;
    this.#thread.breaker.outcome(this, outcome);
    this.breakerToken = UNTRACKED;
  }

  // Of an exchange it has neither an upload nor a client that could be slow.
  onInformational(): void {}
  onLongAnswer(): void {}
  onUploading(): void {}
  // It is asked once.
  onAttemptFailed(): void {}
  mayAttempt(): boolean {
    return false;
  }
  unsentBytes(): number {
    return 0;
  }

  get breakerPlace(): number {
    return this.authorizer.breakerPlace;
  }

  get deadlines(): Deadlines {
    return this.#thread.deadlines;
  }

  get metrics(): ThreadMetrics {
    return this.#thread.metrics;
  }

  get stages(): Authorizer['stages'] {
    return this.authorizer.stages;
  }

  get routeConfig(): Authorizer['routeConfig'] {
    return this.authorizer.routeConfig;
  }

  get forwardTarget(): string {
    return this.authorizer.forwardTarget;
  }
}

/** Whose client has more than its share of the connections is told so: that says nothing of the authorizer. */
const unavailable = (reason: Unavailable['reason'], retryAfterSeconds = RETRY_AFTER_SECONDS): Unavailable => ({
  outcome: 'unavailable',
  code: reason === 'too_many_in_flight' ? 'too_many_in_flight' : 'authorizer_unavailable',
  reason,
  retryAfterSeconds,
});
