import { Redis } from 'ioredis';
import { createBreakerMemory } from '../../src/shared/breaker/memory.ts';
import { createProcessClock } from '../../src/shared/breaker/process-clock.ts';
import { OUTCOME } from '../../src/shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../src/shared/breaker/outcome.ts';
import { DEFAULT_RULE } from '../../src/shared/breaker/rule.ts';
import type { BreakerRule, BreakerUpstream } from '../../src/shared/breaker/rule.ts';
import type { BreakerFront } from '../../src/primary/breaker/front.ts';
import { BREAKER_REDIS_OPTIONS, startBreaker } from '../../src/primary/breaker/start-breaker.ts';
import type { BreakerListener, BreakerNotice } from '../../src/primary/breaker/view.ts';
import { ASK, createGate, REFUSE } from '../../src/workers/gateway/breaker/gate.ts';
import type { BreakerGate } from '../../src/workers/gateway/breaker/gate.ts';

export interface TestNodeOptions {
  /** Port of Redis; undefined = none. */
  readonly redisPort?: number;
  readonly threads?: number;
  readonly rule?: Partial<BreakerRule>;
  readonly upstream?: Partial<BreakerUpstream>;
  readonly liveNodes?: number;
  readonly clockSkewMs?: number;
  readonly listener?: BreakerListener;
  readonly onListenerError?: () => void;
}

/** A front and the gates of its threads in one process; messages cross turns of the event loop as they do for real. */
export interface TestNode extends Disposable {
  readonly name: string;
  readonly front: BreakerFront;
  readonly gates: readonly BreakerGate[];
  readonly notices: readonly BreakerNotice[];
  readonly listenerErrors: readonly unknown[];
  readonly place: number;
  state(): string;
  /** One exchange: 503 when refused, else what `upstream` does. */
  exchange(
    upstream: () => BreakerOutcome | Promise<BreakerOutcome>,
    thread?: number,
    client?: string,
  ): Promise<'refused' | BreakerOutcome>;
  /** So many failing exchanges one after the other. */
  fail(times: number, client?: string): Promise<readonly ('refused' | BreakerOutcome)[]>;
  succeed(times: number, client?: string): Promise<readonly ('refused' | BreakerOutcome)[]>;
}

export const QUICK_RULE: BreakerRule = { ...DEFAULT_RULE, resetTimeoutMs: 400, permitMs: 1_500 };

let nodes = 0;

export function startNode(options: TestNodeOptions = {}): TestNode {
  const { redisPort } = options;
  nodes += 1;
  const name = `node-${process.pid}-${nodes}`;
  const memory = createBreakerMemory(4);
  const clock = createProcessClock();
  const notices: BreakerNotice[] = [];
  const listenerErrors: unknown[] = [];
  const rule = { ...QUICK_RULE, ...options.rule };
  const upstream: BreakerUpstream = { name: 'api', mode: 'on', rule, window: undefined, ...options.upstream };
  const breaker = startBreaker(
    {
      memory,
      node: name,
      upstreams: [upstream],
      send: (thread, message) => void setImmediate(() => gates[thread]?.receive(message)),
      liveNodes: () => options.liveNodes ?? 1,
      clock,
      wallClock: () => Date.now() + (options.clockSkewMs ?? 0),
      random: () => 0.5,
      listener: (notice) => {
        notices.push(notice);
        options.listener?.(notice);
      },
      onListenerError: (error) => {
        listenerErrors.push(error);
        options.onListenerError?.();
      },
    },
    redisPort === undefined
      ? undefined
      : {
          connect: () => new Redis({ ...BREAKER_REDIS_OPTIONS, host: '127.0.0.1', port: redisPort }),
          database: 0,
          timeoutMs: 500,
        },
  );
  const { front } = breaker;
  const gates = Array.from({ length: options.threads ?? 2 }, (_, thread) =>
    createGate({ memory, clock, post: (message) => void setImmediate(() => front.receive(thread, message)) }),
  );
  const place = front.places().get('api') ?? 0;
  let turn = 0;

  const exchange: TestNode['exchange'] = async (run, thread, client = '127.0.0.1') => {
    turn += 1;
    const gate = gates[thread ?? turn % gates.length];
    if (gate === undefined) throw new Error('no such thread');
    let token = gate.check(place, client);
    if (token === ASK) token = await new Promise<number>((resolve) => gate.ask(place, client, resolve));
    if (token === REFUSE) return 'refused';
    const outcome = await run();
    gate.outcome({ breakerPlace: place, breakerToken: token, breakerClient: client }, outcome);
    return outcome;
  };
  const repeat = async (times: number, outcome: BreakerOutcome, client?: string) => {
    const seen: ('refused' | BreakerOutcome)[] = [];
    for (let i = 0; i < times; i++) seen.push(await exchange(() => outcome, undefined, client));
    return seen;
  };
  return {
    name,
    front,
    gates,
    notices,
    listenerErrors,
    place,
    exchange,
    state: () => gates[0]?.state(place) ?? '',
    fail: (times, client) => repeat(times, OUTCOME.FAILURE, client),
    succeed: (times, client) => repeat(times, OUTCOME.SUCCESS, client),
    [Symbol.dispose]() {
      for (const gate of gates) gate.close();
      breaker.close();
    },
  };
}
