import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { accepts, findProgram, freePort, whenReady } from './processes.ts';
import type { Started } from './processes.ts';
import type { Session } from './session.ts';

/** A redis-server of one subject alone, so that what it counts is that subject's doing. */
export interface BenchRedis {
  readonly port: number;
  readonly url: string;
  /** For the bench's own questions. */
  readonly client: Redis;
  readonly process: Started;
}

/** Counters of a Redis since it started. */
export interface RedisWork {
  /** CPU of all its threads, user and system. */
  readonly cpuUs: number;
  /** Scripts that were run or asked for: EVALSHA and EVAL. */
  readonly scripts: number;
  /** Commands of all kinds, the bench's own few questions among them. */
  readonly commands: number;
}

export interface RedisExtras {
  /** For one that comes back where it was; default: any free port. */
  readonly port?: number;
  /** Further arguments of redis-server. */
  readonly args?: readonly string[];
}

/** In memory only. @throws Error when redis-server is not installed or does not start */
export async function startRedis({ processes, folder, cores }: Session, extras: RedisExtras = {}): Promise<BenchRedis> {
  const program = findProgram('redis-server');
  if (program === undefined) throw new Error('needs redis-server: apt-get install redis-server');
  const port = extras.port ?? (await freePort());
  const dir = join(folder, `redis-${port}`);
  mkdirSync(dir, { recursive: true });
  const memoryOnly = ['--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'];
  const command = [program, '--port', String(port), ...memoryOnly, ...(extras.args ?? [])] as const;
  const started = processes.start({ name: 'redis-server', command }, cores.redis);
  await whenReady(started, () => accepts(port));
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
  client.on('error', () => {}); // a command that fails says so itself
  return { port, url: `redis://127.0.0.1:${port}`, client, process: started };
}

export async function stopRedis(redis: BenchRedis): Promise<void> {
  redis.client.disconnect();
  await redis.process.stop();
}

export async function readWork({ client }: BenchRedis): Promise<RedisWork> {
  return parseWork((await client.info('cpu')) + (await client.info('commandstats')) + (await client.info('stats')));
}

/** Reads `INFO cpu`, `INFO commandstats` and `INFO stats`. @throws Error when the CPU time is missing */
export function parseWork(info: string): RedisWork {
  const seconds = (name: string): number => {
    const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1];
    if (value === undefined) throw new Error(`Redis does not tell ${name}`);
    return Number(value);
  };
  const calls = (command: string): number =>
    Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return {
    cpuUs: (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6,
    scripts: calls('evalsha') + calls('eval'),
    commands: Number(/^total_commands_processed:(\d+)/m.exec(info)?.[1] ?? 0),
  };
}
