import type { Redis } from 'ioredis';
import { monotonicMs, wallClockMs } from '../../shared/clock.ts';
import { EVENTS_CHANNEL } from '../../shared/redis/keys.ts';
import type { RedisConfig } from '../../shared/config/types.ts';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { openRedis } from '../redis/open-redis.ts';
import type { OpenRedis } from '../redis/open-redis.ts';
import { fail, ok } from './finding.ts';
import type { Finding } from './finding.ts';
import { judgeRedis, parseInfo } from './redis-findings.ts';
import type { DecisionWaits, RedisFacts } from './redis-findings.ts';

const PINGS = 11;

export async function checkRedisServers(
  config: RedisConfig | undefined,
  waits: DecisionWaits,
): Promise<readonly Finding[]> {
  if (config === undefined) return [ok('redis', 'REDIS_URL is not set: every node counts and decides for itself')];
  try {
    using redis = await openRedis(config);
    const findings: Finding[] = [ok('redis', `${config.mode} at ${config.url} answers`)];
    findings.push(...(await checkCluster(redis)));
    for (const primary of redis.primaries) {
      const { host = '', port = 0 } = primary.options;
      const name = redis.primaries.length === 1 ? 'redis' : `redis ${host}:${port}`;
      findings.push(...judgeRedis(name, await factsOf(primary), waits));
    }
    return findings;
  } catch (error) {
    const [found = '', ...advice] = (error instanceof CommandFailure ? error.message : reasonOf(error)).split('\n');
    return [fail('redis', found, advice.join(' ') || 'See its log.')];
  }
}

async function checkCluster({ client, primaries }: OpenRedis): Promise<readonly Finding[]> {
  if (!('nodes' in client)) return [];
  const info = parseInfo(String(await primaries[0]?.call('CLUSTER', 'INFO')));
  const found = `${info['cluster_state'] ?? 'unknown'}, ${primaries.length} primaries, ${info['cluster_slots_ok'] ?? 0} of 16384 slots`;
  if (info['cluster_state'] === 'ok' && info['cluster_slots_ok'] === '16384') return [ok('redis cluster', found)];
  return [fail('redis cluster', found, 'See "redis-cli --cluster check" and bring the missing primaries back.')];
}

async function factsOf(redis: Redis): Promise<RedisFacts> {
  const times: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    const startedMs = monotonicMs();
    await redis.ping();
    times.push(monotonicMs() - startedMs);
  }
  const pingMs = times.sort((a, b) => a - b)[Math.floor(PINGS / 2)] ?? 0;
  const askedMs = wallClockMs();
  const [seconds, microseconds] = await redis.time();
  const oursMs = (askedMs + wallClockMs()) / 2;
  return {
    info: await redis.info().then(parseInfo, () => undefined),
    save: await redis.config('GET', 'save').then(
      (reply) => (Array.isArray(reply) ? (reply[1] ?? '') : undefined),
      () => undefined, // managed servers do not let anyone ask
    ),
    scriptError: await redis.eval('return 1', 0).then(
      () => undefined,
      (error: unknown) => reasonOf(error),
    ),
    // Nobody takes an empty message for an event.
    channelError: await redis.publish(EVENTS_CHANNEL, '').then(
      () => undefined,
      (error: unknown) => reasonOf(error),
    ),
    pingMs,
    clockAheadMs: Number(seconds) * 1000 + Number(microseconds) / 1000 - oursMs,
  };
}
