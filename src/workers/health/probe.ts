import type { LookupFunction } from 'node:net';
import { monotonicMs } from '../../shared/clock.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { ProbeCause, ProbeFinding, ProbeOrder } from '../../shared/health/messages.ts';
import { Deadlines } from '../gateway/deadlines.ts';
import { Connection } from '../gateway/upstream/connection.ts';
import type { Carried, ConnectionOwner, ConnectionSettings } from '../gateway/upstream/connection.ts';
import { hostLineOf } from '../gateway/upstream/host-line.ts';
import { KnownHead } from '../gateway/upstream/known-head.ts';
import { tlsOptionsOf } from '../gateway/upstream/tls-options.ts';

/** So much of an answer's body is waited for; whoever sends more is well enough. */
const MOST_BODY_BYTES = 64 * 1024;
const NO_CONNECTION_KEPT_MS = 0;

const CAUSES: Readonly<Partial<Record<ErrorCode, ProbeCause>>> = {
  overloaded: 'own_shortage',
  upstream_unresolved: 'unresolved',
  upstream_tls_failed: 'tls',
  upstream_connect_timeout: 'timeout',
  upstream_refused: 'connect',
  upstream_reset: 'reset',
};

/**
 * One GET to a target on a connection of its own, read by the client that requests go through. It ends within its
 * time-out whatever the target does; a redirect is an answer like any other and is not followed.
 */
class Probe implements ConnectionOwner, Carried {
  readonly config: ProbeOrder['target'];
  readonly hostLine: string;
  readonly knownHead = new KnownHead();
  readonly upstream: ConnectionSettings;
  readonly closing = true;
  pending = 0;
  readonly #order: ProbeOrder;
  readonly #startedMs = monotonicMs();
  readonly #onOver: (finding: ProbeFinding) => void;
  readonly #timer: NodeJS.Timeout;
  #connection: Connection | undefined;
  #status = 0;
  #bodyBytes = 0;
  #over = false;

  // What exchanges share connections by, of which this one has its own.
  readonly address = '';
  readonly limitClient = '';
  readonly streamsFromMs = -1;
  holds = false;
  waitsIn: Carried['waitsIn'] = undefined;
  heldIn: Carried['heldIn'] = undefined;
  chainPrevious: Carried['chainPrevious'] = undefined;
  chainNext: Carried['chainNext'] = undefined;

  constructor(order: ProbeOrder, lookup: LookupFunction, onOver: (finding: ProbeFinding) => void) {
    this.#order = order;
    this.#onOver = onOver;
    this.config = order.target;
    this.hostLine = hostLineOf(order.target);
    this.upstream = {
      config: { idleMs: NO_CONNECTION_KEPT_MS, maxHeaderBytes: order.maxHeaderBytes },
      deadlines: new Deadlines(0),
      handles: undefined,
      names: { lookup },
      tlsOptions: tlsOptionsOf(order.tls),
    };
    this.#timer = setTimeout(() => this.#onTimeout(), order.health.timeoutMs);
    this.#connection = new Connection(this);
  }

  onConnected(connection: Connection): void {
    if (this.#over) return;
    const { target, health } = this.#order;
    connection.carry(this, 'GET');
    connection.write(
      `GET ${target.basePath}${health.path} HTTP/1.1\r\n${this.hostLine}user-agent: gateway-health-probe\r\n` +
        'accept: */*\r\nconnection: close\r\n\r\n',
      'latin1',
    );
    connection.requestSent = true;
  }

  onConnection(): void {}
  onAnswered(): void {}
  onRested(): void {}
  onFront(): void {}
  onInformational(): void {}
  onUpstreamDrain(): void {}
  onTooSlow(): void {}

  clientPace(): number {
    return Number.POSITIVE_INFINITY;
  }

  onUpstreamRead(connection: Connection): void {
    if (connection.headArrived) this.#status = connection.parser.status;
    this.#bodyBytes += connection.bodyEnd - connection.bodyStart;
    if (connection.complete || this.#bodyBytes >= MOST_BODY_BYTES) this.#judge();
  }

  onUpstreamFailed(code: ErrorCode): void {
    this.#end(CAUSES[code] ?? 'bad_answer', WORDS[code] ?? 'what it answers is not HTTP/1.1 as it should be');
  }

  /** @param how why it never came to stand; a connection that stood is `onUpstreamFailed`'s */
  onClosed(connection: Connection, how: Parameters<ConnectionOwner['onClosed']>[1]): void {
    if (how.failure !== undefined) this.#end(CAUSES[how.failure] ?? 'connect', connection.failureText);
  }

  #judge(): void {
    const status = this.#status;
    const good = this.#order.health.statuses.some(({ from, to }) => status >= from && status <= to);
    if (good) this.#end('ok', '');
    else this.#end('status', `status ${status}`);
  }

  #onTimeout(): void {
    const { timeoutMs } = this.#order.health;
    const connection = this.#connection;
    const within = `within ${timeoutMs} ms`;
    if (this.#status !== 0) this.#end('timeout', `status ${this.#status}, but not the whole answer ${within}`);
    else if (connection?.state !== 'connecting') this.#end('timeout', `no answer ${within}`);
    else if (connection.resolving) this.#end('unresolved', `no address of ${this.config.host} ${within}`);
    else this.#end('timeout', `no connection ${within}`);
  }

  #end(cause: ProbeCause, why: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    const finding = { cause, why, tookMs: Math.round(monotonicMs() - this.#startedMs) };
    // Not from within a callback of its own connection.
    setImmediate(() => {
      this.#connection?.destroy();
      this.#connection = undefined;
      this.#onOver(finding);
    });
  }
}

const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  upstream_reset: 'it closed the connection before the whole answer',
  upstream_header_too_large: 'the header of its answer is too long',
};

/** Probes a target once. Never rejects, and takes as long as the time-out at most. */
export const probe = (order: ProbeOrder, lookup: LookupFunction): Promise<ProbeFinding> =>
  new Promise((resolve) => {
    try {
      new Probe(order, lookup, resolve); // oxlint-disable-line no-new -- it lives in its connection and its timer
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      resolve({ cause: 'own_shortage', why, tookMs: 0 }); // such as certificates to trust that cannot be read
    }
  });
