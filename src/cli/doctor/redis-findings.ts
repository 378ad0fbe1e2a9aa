import { bytes, duration, milliseconds, percent } from '../output/quantities.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** What one Redis server was asked. */
export interface RedisFacts {
  /** Fields of INFO; `undefined` when it may not be asked: it is renamed, or the ACL forbids it. */
  readonly info: Readonly<Record<string, string>> | undefined;
  /** `save` of its configuration; `undefined` when it may not be asked. */
  readonly save: string | undefined;
  /** Why a script may not run; `undefined` when it may. */
  readonly scriptError: string | undefined;
  /** Why the channel of events may not be used; `undefined` when it may. */
  readonly channelError: string | undefined;
  readonly pingMs: number;
  /** Its clock minus ours. */
  readonly clockAheadMs: number;
}

/** RATE_LIMIT_TIMEOUT_MILLISECONDS and RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS. */
export interface DecisionWaits {
  readonly startMs: number;
  readonly maxMs: number;
}

/** INFO's text as fields. */
export function parseInfo(text: string): Readonly<Record<string, string>> {
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

/** Lowest major version: `#!lua flags=` and the INFO fields that are read came with it. */
const LEAST_MAJOR = 7;
const FULL_SHARE = { warn: 0.8, fail: 0.95 };
const CLOCK_APART_MS = 1_000;

/**
 * @param name which server, such as `redis`
 * @param waits how long a decision waits for a Redis that is quick, and at most
 */
export function judgeRedis(name: string, facts: RedisFacts, waits: DecisionWaits): readonly Finding[] {
  const { info } = facts;
  const always = [
    scripts(`${name} scripts`, facts),
    channel(`${name} channel`, facts),
    latency(`${name} latency`, facts, waits),
    clock(`${name} clock`, facts),
  ];
  if (info === undefined) {
    const advice =
      'Version, memory and persistence cannot be judged, and their metrics are absent. The gateway needs none.';
    return [warn(`${name} info`, 'INFO may not be asked', advice), ...always];
  }
  const told = { ...facts, info };
  return [
    version(`${name} version`, told),
    role(`${name} role`, told),
    memory(`${name} maxmemory`, told),
    policy(`${name} policy`, told),
    persistence(`${name} persistence`, told),
    ...always,
  ];
}

/** Facts of a Redis that may be asked all. */
type ToldFacts = RedisFacts & { readonly info: Readonly<Record<string, string>> };

function version(check: string, { info }: ToldFacts): Finding {
  const name = info['server_name'] === 'valkey' ? `Valkey ${info['valkey_version'] ?? ''}` : 'Redis';
  const text = info['redis_version'] ?? 'unknown';
  const found = name === 'Redis' ? `Redis ${text}` : `${name} (as Redis ${text})`;
  const good = Number.parseInt(text, 10) >= LEAST_MAJOR;
  return good ? ok(check, found) : fail(check, found, `Use Redis ${LEAST_MAJOR} or newer, or Valkey.`);
}

function role(check: string, { info }: ToldFacts): Finding {
  if (info['role'] === 'master') return ok(check, `primary with ${info['connected_slaves'] ?? 0} replicas`);
  const of = `${info['master_host'] ?? '?'}:${info['master_port'] ?? '?'}`;
  const advice = 'Name the primary in REDIS_URL, or the Sentinels with REDIS_MODE=sentinel: a replica takes no writes.';
  return fail(check, `replica of ${of}`, advice);
}

function memory(check: string, { info }: ToldFacts): Finding {
  const used = Number(info['used_memory'] ?? 0);
  const most = Number(info['maxmemory'] ?? 0);
  if (most === 0) {
    const advice =
      'Set maxmemory in redis.conf to about 75 % of what its machine or container has. ' +
      'Without it the kernel ends Redis when memory runs out, and redis_memory_max_bytes is 0.';
    return warn(check, `not set; ${bytes(used)} in use`, advice);
  }
  const found = `${bytes(used)} of ${bytes(most)} in use (${percent(used / most)})`;
  const advice = 'Raise maxmemory together with the memory of its container, or see "gateway redis purge --dry-run".';
  if (used / most >= FULL_SHARE.fail) return fail(check, found, advice);
  return used / most >= FULL_SHARE.warn ? warn(check, found, advice) : ok(check, found);
}

function policy(check: string, { info }: ToldFacts): Finding {
  const name = info['maxmemory_policy'] ?? 'unknown';
  if (name === 'noeviction')
    return ok(check, `${name}: nothing is lost; when it is full limits go on, those of new clients by address`);
  if (name.startsWith('volatile-')) return ok(check, `${name}: when it is full, buckets of clients go first`);
  const advice =
    'Set maxmemory-policy noeviction in redis.conf (CONFIG SET alone is gone after a restart), ' +
    'and keep the job queue on a Redis that never evicts.';
  return warn(check, `${name}: when it is full, breakers, overrides and jobs may go too`, advice);
}

function persistence(check: string, { info, save }: ToldFacts): Finding {
  const bad = (['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status'] as const).filter(
    (field) => (info[field] ?? 'ok') !== 'ok',
  );
  if (bad.length > 0) {
    const advice = 'See its log and the space on its disk; Redis refuses writes until a save succeeds.';
    return fail(check, `its last save failed (${bad.join(', ')})`, advice);
  }
  if (info['aof_enabled'] === '1') return ok(check, 'append-only file');
  if (save === undefined) return ok(check, 'no append-only file; whether there are snapshots may not be asked');
  if (save !== '') return ok(check, `snapshots (save ${save})`);
  const advice = 'Set appendonly yes in redis.conf: after a restart every limit, breaker, override and job is gone.';
  return warn(check, 'none', advice);
}

function scripts(check: string, { scriptError }: RedisFacts): Finding {
  if (scriptError === undefined) return ok(check, 'may run');
  return fail(
    check,
    scriptError,
    'Let the user run them (ACL: +@scripting): limits and breakers are decided by scripts.',
  );
}

function channel(check: string, { channelError }: RedisFacts): Finding {
  if (channelError === undefined) return ok(check, 'may be used');
  const advice =
    'Let the user use it (ACL: "&api-gateway:*"). Until then other nodes see openings of breakers, bans and resets up to ' +
    '30 s later.';
  return warn(check, channelError, advice);
}

function latency(check: string, { pingMs }: RedisFacts, { startMs, maxMs }: DecisionWaits): Finding {
  const found = `${milliseconds(pingMs)} for a round trip; decisions wait ${startMs} ms, up to ${maxMs} where Redis is slow`;
  const advice =
    'Bring Redis nearer, see its slow log (SLOWLOG GET) and load, or raise RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS.';
  if (pingMs >= maxMs) return fail(check, found, advice);
  // They wait twice as long as most round trips take.
  return 2 * pingMs >= maxMs ? warn(check, found, advice) : ok(check, found);
}

function clock(check: string, { clockAheadMs }: RedisFacts): Finding {
  const apart = Math.abs(clockAheadMs);
  const words =
    apart < 10 ? 'the same as ours' : `${milliseconds(apart)} ${clockAheadMs > 0 ? 'ahead of' : 'behind'} ours`;
  if (apart < CLOCK_APART_MS) return ok(check, words);
  const advice = 'Synchronise both machines (chrony, systemd-timesyncd): their log lines cannot be compared.';
  return warn(
    check,
    apart >= 60_000 ? `${duration(apart / 1000)} ${clockAheadMs > 0 ? 'ahead of' : 'behind'} ours` : words,
    advice,
  );
}
