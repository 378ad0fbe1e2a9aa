import { monotonicMs } from '../../../shared/clock.ts';
import { LOW } from '../../../shared/overload/priority.ts';
import type { Deadlines } from '../deadlines.ts';
import { RequestBody } from '../exchange/request-body.ts';
import type { BodyOwner } from '../exchange/request-body.ts';
import { UpstreamCall } from '../exchange/upstream-call.ts';
import type { CallOwner } from '../exchange/upstream-call.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { Connection } from '../upstream/connection.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { BodyRoom } from '../exchange/gathered-body.ts';

/** Most of an answer that is read for nobody: beyond it the connection is given up. */
const MOST_ANSWER_BYTES = 256 * 1024;

/** A request, as far as a copy of it concerns it. */
export type MirroredRequest = Pick<
  CallOwner,
  'deadlines' | 'metrics' | 'address' | 'breakerClient' | 'method' | 'forwardTarget' | 'host' | 'fields' | 'encoding'
> & {
  readonly routeConfig: CallOwner['routeConfig'];
  readonly body: RequestBody | undefined;
};

/** Whose copies they are. */
export interface MirrorOwner {
  readonly upstream: Upstream;
  readonly bodyRoom: BodyRoom;
  onOver(): void;
}

/** A copy of a request: sent once, its answer read and forgotten. What becomes of it nobody hears but the metrics of its upstream. */
export class MirrorCall implements CallOwner, BodyOwner {
  readonly startedMs = monotonicMs();
  readonly limitClient = '';
  readonly consumer = '';
  readonly priority = LOW;
  readonly answerStarted = false;
  readonly bytesSent = 0;
  readonly informed = false;
  readonly starting = false;
  readonly mayShare = false;
  readonly probes = false;
  readonly deadlines: Deadlines;
  readonly metrics: ThreadMetrics;
  readonly address: string;
  readonly breakerClient: string;
  readonly method: string;
  readonly forwardTarget: string;
  readonly host: string;
  readonly fields: string;
  readonly encoding: 'latin1' | 'utf8';
  readonly body: RequestBody | undefined;
  readonly routeConfig: CallOwner['routeConfig'];
  readonly stages: CallOwner['stages'];
  readonly #owner: MirrorOwner;
  #call: UpstreamCall | undefined = undefined;
  #answerBytes = 0;
  #over = false;

  /** @returns undefined: not all of it is at hand */
  static of(request: MirroredRequest, owner: MirrorOwner): MirrorCall | undefined {
    const { body } = request;
    const bytes = body === undefined ? NOTHING : body.copy();
    return bytes === undefined ? undefined : new MirrorCall(request, owner, bytes);
  }

  private constructor(request: MirroredRequest, owner: MirrorOwner, body: Buffer) {
    const { timeouts, preserveHost } = request.routeConfig;
    this.#owner = owner;
    this.deadlines = request.deadlines;
    this.metrics = request.metrics;
    this.address = request.address;
    this.breakerClient = request.breakerClient;
    this.method = request.method;
    this.forwardTarget = request.forwardTarget;
    this.host = request.host;
    this.fields = request.fields;
    this.encoding = request.encoding;
    this.routeConfig = { timeouts, preserveHost, retries: undefined };
    this.stages = { upstream: owner.upstream };
    if (request.body === undefined) return;
    this.body = new RequestBody(this, body.length);
    this.body.ended = true;
    this.body.receive(body, 0, body.length);
  }

  /** Its answer, or the end of it, may come within this call. */
  start(): void {
    this.#call = new UpstreamCall(this);
    this.#call.start();
  }

  /** It is not sent after all. */
  giveUp(): void {
    this.#end();
  }

  onUpstreamRead({ bodyStart, bodyEnd, complete }: Connection): void {
    this.#answerBytes += bodyEnd - bodyStart;
    if (complete || this.#answerBytes > MOST_ANSWER_BYTES) this.#end();
  }

  onCallFailed(): void {
    this.#end();
  }

  onFault(): void {
    this.#end();
  }

  onRequestSent(connection: Connection): void {
    this.#call?.onRequestSent(connection);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#call?.release();
    this.#owner.onOver();
  }

  get bodyRoom(): BodyRoom {
    return this.#owner.bodyRoom;
  }

  get bodyIdleMs(): number {
    return this.routeConfig.timeouts.bodyIdleMs;
  }

  // It has neither a client nor an upload, and is sent once.
  onInformational(): void {}
  onLongAnswer(): void {}
  onUploading(): void {}
  onAttemptFailed(): void {}
  pauseBody(): void {}
  resumeBody(): void {}
  onBodyBegins(): void {}
  onGathering(): void {}
  onBodyStalled(): void {}
  onUploadProgress(): void {}
  onDiscarded(): void {}
  mayAttempt(): boolean {
    return false;
  }
  unsentBytes(): number {
    return 0;
  }
}

const NOTHING = Buffer.alloc(0);
