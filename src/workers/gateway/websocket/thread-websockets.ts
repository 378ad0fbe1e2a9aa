import type { WebSocketConfig } from '../../../shared/config/types.ts';
import { ROUTE, SOCKET_CLOSE_CODES, socketClosedColumn } from '../../../shared/metrics/layout.ts';
import { isRefusal } from '../../../shared/identity/identity.ts';
import type { Verdict } from '../../../shared/identity/identity.ts';
import { heartbeatIndex, sumOfRows } from '../../../shared/threads/heartbeats.ts';
import type { AccessLog, BegunEntry } from '../access-log.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { Caller } from '../identity/callers.ts';
import type { RouteAuthentication } from '../identity/route-authentication.ts';
import type { RouteLimit } from '../limits/thread-limits.ts';
import { CLOSE } from './close-codes.ts';
import type { ReservedBits } from './frame-reader.ts';
import { MessageGate } from './message-gate.ts';
import type { MessageGates, MessageSender } from './message-gate.ts';
import { Tunnel } from './tunnel.ts';
import type { ClosedBy, TunnelHost } from './tunnel.ts';
import type { TunnelEnd } from './tunnel-end.ts';

/** How often each tunnel is looked at for its time-outs. */
const LOOK_MS = 1_000;
/** A step of the clock that is so long means that the thread stood still. */
const LONG_STEP_MS = 500;
/** Of the deadline of a drain, what the goodbyes are spread over: the rest is for those who are slow with their answer. */
const SPREAD = 0.8;

/** A route that WebSockets pass on. */
export interface SocketRoute {
  readonly name: string;
  readonly config: WebSocketConfig;
  /** What each message of a client pays; `undefined` = nothing. */
  readonly messageLimit: RouteLimit | undefined;
  /** Who may have one, where it asks; `undefined` = whoever asks. */
  readonly authentication: Pick<RouteAuthentication, 'admit' | 'again' | 'anonymous'> | undefined;
  /** Where the metrics' row of the route starts. */
  readonly metricsStart: number;
}

export interface WebSocketParts {
  readonly clock: () => number;
  /** Time of day, milliseconds. */
  readonly wallClock: () => number;
  readonly random: () => number;
  readonly metrics: ThreadMetrics;
  readonly accessLog: AccessLog;
  readonly onFault: (error: unknown, requestId: string) => void;
  /** Shared memory of all threads: they count together. */
  readonly heartbeats: SharedArrayBuffer;
  readonly slot: number;
  /** Most WebSockets of the process, handshakes included. */
  readonly most: () => number;
  readonly gates: MessageGates;
}

export interface OpenTunnel {
  readonly client: TunnelEnd;
  readonly upstream: TunnelEnd;
  readonly reserved: ReservedBits;
  readonly route: SocketRoute;
  readonly entry: BegunEntry;
  readonly sender: MessageSender;
  /** Who has proved who he is. */
  readonly caller: Caller | undefined;
}

/** A tunnel with what is told of it at its end. */
class CountedTunnel extends Tunnel {
  route: SocketRoute;
  readonly entry: BegunEntry;
  readonly sender: MessageSender;
  caller: Caller | undefined;
  /** Where messages of its client are limited, or were. */
  gate: MessageGate | undefined = undefined;
  fromClient = 0;
  fromUpstream = 0;
  bytesFromClient = 0;
  bytesFromUpstream = 0;
  /** When it is told to go, because its thread or route does; -1 = it may stay. */
  goesAtMs = -1;

  constructor(open: OpenTunnel, host: TunnelHost) {
    super({ ...open, config: open.route.config, host });
    this.route = open.route;
    this.entry = open.entry;
    this.sender = open.sender;
    this.caller = open.caller;
  }
}

/** The WebSockets of a thread. */
export class ThreadWebSockets implements TunnelHost {
  nowMs: number;
  /** New ones are refused. */
  draining = false;
  readonly #parts: WebSocketParts;
  readonly #tunnels = new Set<CountedTunnel>();
  readonly #words: Int32Array;
  readonly #place: number;
  #handshaking = 0;
  /** By name, since a reload. */
  #routes: ReadonlyMap<string, SocketRoute> | undefined = undefined;
  #lookedMs = 0;
  /** Some have been given a time to go. */
  #leaving = false;

  constructor(parts: WebSocketParts) {
    this.#parts = parts;
    this.nowMs = parts.clock();
    this.#words = new Int32Array(parts.heartbeats);
    this.#place = heartbeatIndex(parts.slot, 'webSockets');
  }

  get open(): number {
    return this.#tunnels.size;
  }

  get handshaking(): number {
    return this.#handshaking;
  }

  set handshaking(count: number) {
    this.#handshaking = count;
    this.#tell();
  }

  /** Whether one more may come: all threads count together. */
  get hasRoom(): boolean {
    return sumOfRows(this.#words, 'webSockets') < this.#parts.most();
  }

  #tell(): void {
    Atomics.store(this.#words, this.#place, this.#tunnels.size + this.#handshaking);
  }

  /** A handshake is over: both ends speak frames from now on. */
  add(open: OpenTunnel): void {
    // Its handshake may have begun under other settings, or before the drain.
    const route = this.#routes === undefined ? open.route : this.#routes.get(open.route.name);
    const tunnel = new CountedTunnel(route === undefined ? open : { ...open, route }, this);
    if (this.draining || route === undefined) {
      tunnel.goesAtMs = this.nowMs;
      this.#leaving = true;
    }
    this.#limit(tunnel);
    this.#tunnels.add(tunnel);
    this.#tell();
    this.#parts.metrics.add(open.route.metricsStart + ROUTE.socketsOpened);
    this.#parts.metrics.add(open.route.metricsStart + ROUTE.socketsOpen);
    tunnel.begin();
    // A reload, or a key that was revoked, may have come while its handshake was under way.
    this.#readmit(tunnel);
  }

  /** Lets messages of its client pay what its route says. */
  #limit(tunnel: CountedTunnel): void {
    const { client, route } = tunnel;
    const { config, messageLimit: limit, name } = route;
    if (limit === undefined && tunnel.gate === undefined) return;
    tunnel.gate ??= new MessageGate(this.#parts.gates, tunnel.sender, client);
    client.gate = limit === undefined ? undefined : tunnel.gate;
    tunnel.gate.apply(limit === undefined ? undefined : { route: name, limit, onRefused: config.onMessageRefused });
  }

  onMessage(tunnel: CountedTunnel, from: 'client' | 'upstream'): void {
    const isClients = from === 'client';
    if (isClients) tunnel.fromClient++;
    else tunnel.fromUpstream++;
    this.#parts.metrics.add(tunnel.route.metricsStart + ROUTE.socketMessages + (isClients ? 0 : 1));
  }

  onMessageBytes(tunnel: CountedTunnel, from: 'client' | 'upstream', bytes: number): void {
    const isClients = from === 'client';
    if (isClients) tunnel.bytesFromClient += bytes;
    else tunnel.bytesFromUpstream += bytes;
    this.#parts.metrics.add(tunnel.route.metricsStart + ROUTE.socketMessageBytes + (isClients ? 0 : 1), bytes);
  }

  onMessageRefused(tunnel: CountedTunnel): void {
    this.#parts.metrics.add(tunnel.route.metricsStart + ROUTE.socketMessagesRefused);
  }

  onFault(tunnel: CountedTunnel, error: unknown): void {
    this.#parts.onFault(error, tunnel.entry.request_id);
  }

  onOver(tunnel: CountedTunnel): void {
    const { metrics, accessLog, clock } = this.#parts;
    this.#tunnels.delete(tunnel);
    this.#tell();
    const by = tunnel.closedBy === '' ? 'gateway' : tunnel.closedBy; // cut while it was open: the thread has ended
    const start = tunnel.route.metricsStart;
    metrics.add(start + ROUTE.socketsOpen, -1);
    metrics.add(start + socketClosedColumn(by, codeLabel(tunnel.code)));
    if (!accessLog.wants(isFailure(by, tunnel.code))) return;
    accessLog.add({
      ...tunnel.entry,
      bytes_received: tunnel.bytesFromClient,
      bytes_sent: tunnel.bytesFromUpstream,
      duration_ms: Math.round(clock() - tunnel.openedMs),
      outcome: 'websocket',
      messages_received: tunnel.fromClient,
      messages_sent: tunnel.fromUpstream,
      closed_by: by,
      close_code: tunnel.code,
    });
  }

  /** Every tick of the thread. */
  tick(nowMs: number): void {
    const stoodStill = nowMs - this.nowMs > LONG_STEP_MS;
    this.nowMs = nowMs;
    if (this.#leaving) this.#sayGoodbyes();
    if (stoodStill) this.#lookedMs = nowMs; // what has come meanwhile is not read yet: nobody is silent because of that
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    const wallMs = this.#parts.wallClock();
    for (const tunnel of this.#tunnels) {
      if (tunnel.isOpen) this.#judge(tunnel, wallMs);
      tunnel.look();
    }
  }

  /** Whose credential has ended, or who is banned, is sent away. */
  #judge(tunnel: CountedTunnel, wallMs: number): void {
    const { caller, sender } = tunnel;
    if (caller !== undefined && caller.identity.expiresAtMs <= wallMs) {
      const code = caller.identity.method === 'jwt' ? 'token_expired' : 'credentials_invalid';
      tunnel.close(CLOSE.policyViolation, code);
      return;
    }
    const { keys, overrides } = this.#parts.gates.limits;
    if (overrides.isEmpty) return;
    const word = overrides.find(sender.client, keys.nameOfAddress(sender.address));
    if (word?.state === 'BANNED') tunnel.close(CLOSE.policyViolation, 'client_banned');
  }

  /** Who may have none by other settings, or by what is known of his credential now, is sent away. */
  #readmit(tunnel: CountedTunnel): void {
    const { caller, route } = tunnel;
    if (route.authentication === undefined || !tunnel.isOpen) return;
    if (caller !== undefined)
      route.authentication.again(caller.identity, (verdict) => this.#onVerdict(tunnel, verdict));
    else if (!route.authentication.anonymous) tunnel.close(CLOSE.policyViolation, 'credentials_missing');
  }

  #onVerdict(tunnel: CountedTunnel, verdict: Verdict): void {
    const { authentication } = tunnel.route;
    if (authentication === undefined || !tunnel.isOpen) return;
    if (verdict === 'identity_unavailable') return; // nobody can say: what was good goes on
    const admitted = isRefusal(verdict) ? verdict : authentication.admit(verdict);
    if (typeof admitted === 'string') tunnel.close(CLOSE.policyViolation, admitted);
    else tunnel.caller = admitted; // it may end at another time by now
  }

  /** API keys were made, replaced or revoked. @param hashes `undefined` = nobody knows which */
  onKeysChanged(hashes: readonly string[] | undefined): void {
    const changed = hashes === undefined ? undefined : new Set(hashes);
    for (const tunnel of this.#tunnels) {
      const hash = tunnel.caller?.identity.keyHash ?? '';
      if (hash !== '' && (changed === undefined || changed.has(hash))) this.#readmit(tunnel);
    }
  }

  /** Others are trusted to issue certificates of clients: what those that are open have shown is not to them. */
  onTrustChanged(): void {
    for (const tunnel of this.#tunnels) {
      if (tunnel.isOpen && tunnel.caller?.identity.method === 'certificate') {
        tunnel.close(CLOSE.policyViolation, 'credentials_invalid');
      }
    }
  }

  /** Somebody is banned, or no longer. */
  onOverridesChanged(): void {
    const wallMs = this.#parts.wallClock();
    for (const tunnel of this.#tunnels) if (tunnel.isOpen) this.#judge(tunnel, wallMs);
  }

  #sayGoodbyes(): void {
    let left = false;
    for (const tunnel of this.#tunnels) {
      if (tunnel.goesAtMs < 0 || !tunnel.isOpen) continue;
      if (this.nowMs >= tunnel.goesAtMs) tunnel.close(CLOSE.goingAway, 'going away');
      else left = true;
    }
    this.#leaving = left;
  }

  /** The thread ends: those that are open are told to go, evenly over the time there is and in no order, or all would come back at once. */
  drain(deadlineMs: number): void {
    this.draining = true;
    this.#spread([...this.#tunnels], deadlineMs);
  }

  /**
   * Other settings: tunnels whose route lives keep going, by its new ones, where their clients may have them; the others
   * are told to go, spread as in a drain.
   * @param routes by name
   */
  apply(routes: ReadonlyMap<string, SocketRoute>, deadlineMs: number): void {
    const leaving: CountedTunnel[] = [];
    this.#routes = routes;
    for (const tunnel of this.#tunnels) {
      const route = routes.get(tunnel.route.name);
      if (route === undefined) {
        if (tunnel.goesAtMs < 0) leaving.push(tunnel);
        continue;
      }
      tunnel.route = route;
      tunnel.config = route.config;
      this.#limit(tunnel);
      this.#readmit(tunnel);
      if (!this.draining) tunnel.goesAtMs = -1;
    }
    this.#spread(leaving, deadlineMs);
  }

  #spread(tunnels: CountedTunnel[], deadlineMs: number): void {
    const { random } = this.#parts;
    for (let i = tunnels.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [tunnels[i], tunnels[j]] = [tunnels[j] as CountedTunnel, tunnels[i] as CountedTunnel];
    }
    const stepMs = (SPREAD * deadlineMs) / Math.max(1, tunnels.length);
    for (const [i, tunnel] of tunnels.entries()) tunnel.goesAtMs = this.nowMs + i * stepMs;
    this.#leaving ||= tunnels.length > 0;
  }

  /** Cuts them all. */
  close(): void {
    for (const tunnel of this.#tunnels) tunnel.cut();
    this.#parts.gates.close();
  }
}

function codeLabel(code: number): (typeof SOCKET_CLOSE_CODES)[number] {
  const text = String(code);
  const known = SOCKET_CLOSE_CODES.find((each) => each === text);
  if (known !== undefined) return known;
  if (code >= 3000 && code < 5000) return code < 4000 ? '3xxx' : '4xxx';
  return 'other';
}

/** Whether the access log has it although it is sampled: what ended it was no end in order. */
const isFailure = (by: ClosedBy, code: number): boolean =>
  code === CLOSE.abnormal || code === CLOSE.internalError || (by === 'gateway' && code !== CLOSE.goingAway);
