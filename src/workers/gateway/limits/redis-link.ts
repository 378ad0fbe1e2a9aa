import { Command } from 'ioredis';
import type { Redis } from 'ioredis';
import { readTakeReply, takeArguments } from '../../../shared/limits/take-script.ts';
import type { TakeReply } from '../../../shared/limits/take-script.ts';
import type { Lane } from '../../../shared/limits/rule.ts';
import { LATE, LOST } from '../../../shared/limits/store.ts';
import type { StoreSink, Want } from '../../../shared/limits/store.ts';
import { redisFailure } from '../../../shared/redis/connection.ts';
import type { KeyOf } from '../../../shared/redis/keys.ts';
import { isUnknownScript } from '../../../shared/redis/scripts.ts';
import type { Script } from '../../../shared/redis/scripts.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { DecisionTimeout } from './decision-timeout.ts';
import type { FlightTimer, Flight } from './flight-timer.ts';
import type { StoreRoom } from './store-room.ts';
import { StoreGate } from './store-gate.ts';
import type { GateState } from './store-gate.ts';

export interface RedisLinkOptions {
  readonly clock: () => number;
  readonly flights: FlightTimer;
  readonly script: Script;
  /** Runs in place of it on a Redis that is full: clients without buckets get none. */
  readonly scriptWhenFull: Script;
  /** @see RedisStoreOptions */
  readonly room?: StoreRoom;
  readonly keyOf: KeyOf;
  readonly metrics: ThreadMetrics;
  /** @see RedisStoreOptions */
  readonly timeout?: DecisionTimeout;
  readonly failuresToSkip: number;
  readonly probeEveryMs: number;
  readonly probeTimeoutMs: number;
  readonly idleAskMs: number;
  readonly onChange: (state: GateState) => void;
  /** The reply says that the key lives elsewhere (`MOVED`, `ASK`): nothing was run; `true` = the call was sent on. */
  readonly onRedirect?: (call: ScriptCall, message: string) => boolean;
}

/** One script on its way. */
export interface ScriptCall extends Flight {
  readonly wants: readonly Want[];
  readonly sink: StoreSink;
  readonly sentMs: number;
  /** It was settled as late; what becomes of it is booked. */
  late: boolean;
  /** Times this call was sent on after a redirect. */
  redirects: number;
}

/**
 * A bucket beside the client's own, in the same slot: the script acts on other limits at once, so a probe of the real
 * bucket would cut it down. No rule has such a name.
 */
const PROBE_LANE: Lane = {
  cost: 1,
  rules: [
    {
      name: '',
      capacity: 1,
      refillPerSecond: 1,
      keySuffix: ':_probe',
      capacityText: '1',
      rateText: '1',
      policyItem: '',
      quotedName: '',
    },
  ],
};

/** Nothing was run and this Redis is well: the slot is elsewhere, or (several rules) half of its keys are. */
const isRedirect = (message: string): boolean => /^(MOVED|ASK|TRYAGAIN) /.test(message);

/** Between two looks whether anything has come. */
const IDLE_LOOK_MS = 1_000;

/** Redis says so itself: the script was not run. Any other error is the connection's, and nobody knows. */
const isReply = (error: Error): boolean => error.name === 'ReplyError';

/** Nothing was run: this Redis is over its maxmemory, evicts nothing, and the script may make buckets. */
const isOutOfMemory = (error: Error | null | undefined): boolean => error?.message.startsWith('OOM') === true;
/** A full Redis is asked so often whether it has room again. */
const FULL_FOR_MS = 1_000;

/** The script answers otherwise: what is there is no Redis, or none that runs it. */
const UNEXPECTED = 'unexpected reply';

type ReplyHandler = (error: Error | null | undefined, reply: unknown) => void;

/** The script on one connection: deadlines, healing, and the breaker that skips a Redis that does not answer. */
export class RedisLink {
  readonly redis: Redis;
  readonly gate: StoreGate;
  readonly #options: RedisLinkOptions;
  /** A client whose bucket lies on this Redis; the probe asks for nothing of it. */
  #probeClient = 'store-probe';
  #notReadySinceMs: number | undefined;
  /** Until then Redis counts as full; 0 = it is not. */
  #fullUntilMs = 0;
  /** What the connection last failed with, while it is not ready. */
  #lastError: string | undefined;
  readonly #idleTimer: NodeJS.Timeout;
  /** Something came since the last look. */
  #heard = false;
  #quietSinceMs: number;
  /** It is asked at the next look, however short it has been quiet. */
  #doubted = false;
  /** The last look has asked, and nothing has come since. */
  #askedIdle = false;

  constructor(redis: Redis, options: RedisLinkOptions) {
    this.redis = redis;
    this.#options = options;
    this.gate = new StoreGate({
      clock: options.clock,
      failuresToSkip: options.failuresToSkip,
      probeEveryMs: options.probeEveryMs,
      probeTimeoutMs: options.probeTimeoutMs,
      probe: (done) => this.#sendProbe(done),
      reconnect: () => this.#reconnect(),
      onChange: options.onChange,
    });
    redis.on('ready', this.#onReady);
    redis.on('close', this.#onClose);
    redis.on('error', this.#onError);
    this.#quietSinceMs = options.clock();
    this.#idleTimer = setInterval(() => this.#lookIdle(), IDLE_LOOK_MS).unref();
  }

  /** Sends one script for all wants. */
  take(wants: readonly Want[], deadlineMs: number, sink: StoreSink): void {
    const sentMs = this.#options.clock();
    const call: ScriptCall = {
      wants,
      sink,
      sentMs,
      deadlineMs,
      ended: false,
      late: false,
      redirects: 0,
      expire: () => {
        this.#options.metrics.add(THREAD.redisTimeouts);
        call.late = true;
        this.#end(call, LATE);
        this.gate.timedOut(sentMs);
      },
    };
    this.#options.flights.add(call);
    this.send(call);
  }

  /** Sends a call that has its deadline already. */
  send(call: ScriptCall): void {
    if (this.#isUsable(call)) this.#evalsha(call.wants, (error, reply) => this.#onReply(call, error, reply));
  }

  /** The same for a slot that is moving here: `ASKING` holds for the next command only, so the script goes whole. */
  sendAsking(call: ScriptCall): void {
    if (!this.#isUsable(call)) return;
    const { keyOf, metrics, room } = this.#options;
    const args = takeArguments(call.wants, keyOf, room?.isFull);
    metrics.add(THREAD.redisCommands);
    this.redis.sendCommand(new Command('asking', [], {}, () => {}));
    this.#send('eval', [this.#script().source, ...args], (error, reply) => {
      if (isOutOfMemory(error)) this.#fullUntilMs = this.#options.clock() + FULL_FOR_MS;
      this.#onReply(call, error, reply);
    });
  }

  #isUsable(call: ScriptCall): boolean {
    const usable = !this.gate.isGone && this.redis.status === 'ready' && this.redis.stream.writable;
    if (!usable) this.#end(call, 'skipped');
    return usable;
  }

  /** A Redis that takes longer to answer is not asked. */
  get #mostMs(): number {
    return this.#options.timeout?.maxMs ?? Number.POSITIVE_INFINITY;
  }

  /** Redis may have gone: the next look asks. */
  doubt(): void {
    this.#heard = false;
    this.#doubted = true;
  }

  close(): void {
    clearInterval(this.#idleTimer);
    this.gate.close();
    this.redis.off('ready', this.#onReady);
    this.redis.off('close', this.#onClose);
  }

  #onReply(call: ScriptCall, error: Error | null | undefined, reply: unknown): void {
    this.#heard = true;
    const tookMs = this.#options.clock() - call.sentMs;
    if (!error) this.#options.timeout?.answered(tookMs);
    if (call.late) return this.#book(call, error, reply);
    if (call.ended) return;
    const read = error ? undefined : readTakeReply(reply, call.wants);
    if (read !== undefined) {
      this.gate.succeeded();
      this.#take(call, read);
      return;
    }
    const reason = error ? redisFailure(error) : UNEXPECTED;
    if (isRedirect(reason)) {
      this.gate.succeeded(); // this Redis is well, it only is the wrong one
      if (this.#options.onRedirect?.(call, reason) !== true) this.#end(call, reason);
      return;
    }
    this.#options.metrics.add(THREAD.redisErrors);
    this.#probeClient = call.wants[0]?.client ?? this.#probeClient;
    this.#end(call, error && isReply(error) ? reason : LOST);
    this.gate.failed(reason);
  }

  /** The answer to a call whose requests were decided without it, or the end of the connection that it was sent on. */
  #book(call: ScriptCall, error: Error | null | undefined, reply: unknown): void {
    call.late = false;
    const { sink, wants } = call;
    if (error) return sink.booked(wants, isReply(error) ? error.message : LOST);
    this.gate.answeredLate();
    // Redis is there; one that always takes longer than a decision may wait is skipped all the same.
    if (this.#options.clock() - call.sentMs <= this.#mostMs) this.gate.succeeded();
    this.gate.probeNow();
    const read = readTakeReply(reply, wants);
    if (read === undefined || read.unusable.length > 0) return sink.booked(wants, LOST);
    this.#countDamaged(read);
    sink.booked(wants, undefined);
  }

  #countDamaged({ damagedBuckets }: TakeReply): void {
    if (damagedBuckets > 0) this.#options.metrics.add(THREAD.damagedBuckets, damagedBuckets);
  }

  /** One want whose part makes no sense takes none of the others along. */
  #take(call: ScriptCall, read: TakeReply): void {
    const { unusable } = read;
    this.#countDamaged(read);
    if (unusable.length === 0) return this.#end(call, undefined);
    this.#options.metrics.add(THREAD.redisErrors);
    call.ended = true;
    const usable = call.wants.filter((want) => !unusable.includes(want));
    if (usable.length > 0) call.sink.settled(usable, undefined);
    call.sink.settled(unusable, LOST);
  }

  #end(call: ScriptCall, failure: string | undefined): void {
    if (call.ended) return;
    call.ended = true;
    call.sink.settled(call.wants, failure);
  }

  /** As `runScript` does it, within the same call and counted. */
  #evalsha(wants: readonly Want[], done: ReplyHandler): void {
    const { keyOf, room, script: usual } = this.#options;
    const args = takeArguments(wants, keyOf, room?.isFull);
    const script = this.#script();
    this.#run(script, args, (error, reply) => {
      if (script !== usual || !isOutOfMemory(error)) {
        if (script === usual && this.#fullUntilMs !== 0 && !error) this.#fullUntilMs = 0;
        return done(error, reply);
      }
      this.#fullUntilMs = this.#options.clock() + FULL_FOR_MS;
      this.#run(this.#options.scriptWhenFull, args, done);
    });
  }

  #script(): Script {
    const { script, scriptWhenFull, clock } = this.#options;
    return this.#fullUntilMs !== 0 && clock() < this.#fullUntilMs ? scriptWhenFull : script;
  }

  #run(script: Script, args: (string | number)[], done: ReplyHandler): void {
    const { metrics } = this.#options;
    metrics.add(THREAD.redisCommands);
    this.#send('evalsha', [script.sha, ...args], (error, reply) => {
      if (!isUnknownScript(error)) return done(error, reply);
      metrics.add(THREAD.redisCommands);
      metrics.add(THREAD.redisScriptLoads);
      this.#send('eval', [script.source, ...args], done);
    });
  }

  #send(name: string, args: (string | number)[], done: ReplyHandler): void {
    this.redis.sendCommand(new Command(name, args, { replyEncoding: 'utf8' }, done));
  }

  /** The real script on a bucket that does not exist, for no units: it needs what a decision needs and writes nothing. */
  #sendProbe(done: (failure: string | undefined) => void): void {
    if (this.redis.status !== 'ready') {
      if (this.redis.status === 'wait') this.redis.connect().catch(() => {});
      this.#watchHandshake();
      done(this.#lastError ?? 'not connected');
      return;
    }
    this.#notReadySinceMs = undefined;
    const want: Want = { client: this.#probeClient, lane: PROBE_LANE, units: 0, granted: 0, left: [] };
    const sentMs = this.#options.clock();
    this.#evalsha([want], (error, reply) => {
      if (error && !isRedirect(error.message)) return done(redisFailure(error));
      if (!error && readTakeReply(reply, [want]) === undefined) return done(UNEXPECTED);
      const tookMs = this.#options.clock() - sentMs;
      this.#options.timeout?.answered(tookMs);
      if (tookMs <= this.#mostMs) return done(undefined);
      const took = `answers after ${Math.ceil(tookMs)} ms`;
      return done(`${took}, later than RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS (${this.#mostMs} ms)`);
    });
  }

  /** Without requests nobody would notice that the peer has vanished, and `/health` would go on saying that it is asked. */
  #lookIdle(): void {
    const heard = this.#heard;
    this.#heard = false;
    if (heard || !this.gate.isUp || this.redis.status !== 'ready') {
      this.#askedIdle = false;
      this.#doubted = false;
      this.#quietSinceMs = this.#options.clock();
    } else if (this.#askedIdle) {
      this.#askedIdle = false;
      this.gate.goDown('no answer');
    } else if (this.#doubted || this.#options.clock() - this.#quietSinceMs >= this.#options.idleAskMs) {
      this.#doubted = false;
      this.#askedIdle = true;
      this.#sendProbe((failure) => {
        this.#heard = true;
        if (failure !== undefined) this.gate.failed(failure);
      });
    }
  }

  /** A server that accepts and then says nothing would keep ioredis in its handshake for ever. */
  #watchHandshake(): void {
    const now = this.#options.clock();
    this.#notReadySinceMs ??= now;
    if (now - this.#notReadySinceMs < this.#options.probeTimeoutMs) return;
    this.#notReadySinceMs = now;
    if (this.redis.status === 'connect' || this.redis.status === 'connecting') this.#reconnect();
  }

  #reconnect(): void {
    // `disconnect(true)` waits for the peer's FIN, which a stopped peer never sends.
    this.redis.stream?.destroy();
    if (this.redis.status === 'end') this.redis.connect().catch(() => {});
  }

  readonly #onReady = (): void => {
    this.#notReadySinceMs = undefined;
    this.#lastError = undefined;
    this.gate.probeNow();
  };

  readonly #onClose = (): void => this.gate.goDown(this.#lastError ?? 'connection closed');

  /** The reason reaches the log through the gate; without a listener ioredis prints to stderr. */
  readonly #onError = (error: Error): void => {
    this.#lastError = redisFailure(error);
  };
}
