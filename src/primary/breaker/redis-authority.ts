import { z } from 'zod';
import type { BreakerSnapshot, SyncReply, SyncRequest } from '../../shared/breaker/sync.ts';
import { syncScript } from '../../shared/breaker/sync-script.ts';
import { redisFailure } from '../../shared/redis/connection.ts';
import { BREAKER_KEY, EVENTS_CHANNEL } from '../../shared/redis/keys.ts';
import { runScript } from '../../shared/redis/scripts.ts';
import type { ScriptClient } from '../../shared/redis/scripts.ts';
import type { BreakerAuthority } from './authority.ts';
import { AuthorityClock, dated } from './authority-clock.ts';

/** What is used of an ioredis client (Redis or Cluster): made without offline queue and without retries. */
export interface CommandClient extends ScriptClient {
  readonly status: string;
  disconnect(reconnect?: boolean): void;
  /** Of a single Redis. */
  readonly stream?: { destroy(): unknown };
}

const row = z
  .tuple([
    z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']),
    z.coerce.number(),
    z.number(),
    z.number(),
    z.number(),
    z.number(),
    z.number(),
    z.string(),
    z.enum(['OPEN', 'CLOSED', '']),
    z.number(),
    z.number(),
    z.string(),
    z.number(),
  ])
  .rest(z.string());

const reply = z.array(row);

/**
 * The truth in Redis. One round trip per sync; whoever made the client closes it.
 * @param options.timeoutMs after this the answer is not waited for, the connection is made anew, and Redis does nothing
 *   with what it still finds in the old one
 * @param options.clock that of the words' `saidMs`
 * @param options.whyNot why the client is not ready
 */
export function createRedisAuthority(
  client: CommandClient,
  options: { readonly timeoutMs: number; readonly clock: () => number; readonly whyNot: () => string },
): BreakerAuthority {
  const { timeoutMs, clock, whyNot } = options;
  const redisClock = new AuthorityClock();

  const run = (request: SyncRequest): Promise<unknown> =>
    runScript(client, syncScript, { keys: [BREAKER_KEY], args: [EVENTS_CHANNEL, JSON.stringify(toWire(request))] });

  /** Before the first answer no time of Redis's clock is known; that request holds no words (`datesWords`). */
  function toWire(request: SyncRequest): SyncRequest {
    const validUntilMs = redisClock.timeAt(clock() + timeoutMs);
    if (validUntilMs === undefined) return request;
    const timeAt = (clockMs: number): number => redisClock.timeAt(clockMs) ?? 0;
    const upstreams = request.upstreams.map((upstream) => ({
      ...upstream,
      ops: upstream.ops.map((op) => dated(op, timeAt)),
    }));
    return { ...request, upstreams, validUntilMs };
  }

  async function withDeadline(request: SyncRequest): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`breaker state: no answer from Redis in ${timeoutMs} ms`));
        // Nothing queued behind a Redis that hangs may arrive late and count twice.
        // `disconnect` waits for the peer's FIN, which one that has vanished never sends; that of a cluster does so for two
        // seconds, and makes all its connections anew: they carry nothing but these questions, and none is queued.
        if (client.stream === undefined) client.disconnect(true);
        else client.stream.destroy();
      }, timeoutMs);
    });
    try {
      return await Promise.race([run(request), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    reachable: () => client.status === 'ready',
    whyNot,
    datesWords: () => redisClock.known,
    async sync(request): Promise<SyncReply> {
      const sentMs = clock();
      try {
        const { data: rows } = reply.safeParse(await withDeadline(request));
        if (rows?.length !== request.upstreams.length) throw new Error('unexpected reply');
        const [, , , , , , , , , , nowMs] = rows[0] ?? [];
        if (nowMs !== undefined) redisClock.heard(nowMs, { sentMs, receivedMs: clock() });
        return rows.map(toSnapshot);
      } catch (error) {
        redisClock.forget();
        throw error instanceof Error ? new Error(redisFailure(error), { cause: error }) : error;
      }
    },
  };
}

function toSnapshot(from: z.infer<typeof row>): BreakerSnapshot {
  const [
    kind,
    epoch,
    failures,
    openForMs,
    successes,
    trips,
    isolated,
    reason,
    state,
    forMs,
    ,
    narrow,
    calm,
    ...granted
  ] = from;
  const forced = state === '' ? undefined : { state, forMs };
  return {
    kind,
    epoch,
    failures,
    openForMs,
    successes,
    trips,
    isolated: isolated === 1,
    reason,
    forced,
    narrow,
    calm,
    granted,
  };
}
