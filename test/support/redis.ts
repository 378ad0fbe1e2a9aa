import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { freePort } from './ports.ts';
import { rawClient } from './raw.ts';

/** A redis-server of this test alone, on a free loopback port. */
export interface TestRedis extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** A client for the test's own questions. */
  readonly client: Redis;
  /** Starts the server again on the same port and directory after it was killed. */
  restart(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** What clients and scripts say to it from now on. */
  monitor(): Promise<RedisMonitor>;
}

/** The lines of MONITOR, over a connection that only reads: ioredis takes those that come with the OK for answers. */
export interface RedisMonitor extends Disposable {
  /** Every command up to now, one a line, its arguments in quotes; those of scripts have `lua` for an address. */
  lines(): Promise<string[]>;
}

async function monitorOf(port: number, client: Redis): Promise<RedisMonitor> {
  const connection = await rawClient(port);
  connection.send('MONITOR\r\n');
  await connection.until('+OK\r\n');
  let asked = 0;
  return {
    lines: async () => {
      const last = `"monitored up to ${asked++}"`;
      await client.echo(last.slice(1, -1));
      const text = await connection.until(last);
      return text.split('\r\n').slice(1, -1);
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

async function start(port: number, dir: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--save',
      '',
      '--enable-debug-command',
      'local',
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const killAtExit = (): void => void child.kill('SIGKILL'); // a test run that is cut short leaves nothing behind
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  await new Promise<void>((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', () => reject(new Error(`redis-server ended: ${seen}`)));
    child.once('error', reject); // no redis-server on this machine: fail, never skip
  });
  return child;
}

/** @param args extra arguments of redis-server */
export async function startRedis(args: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'gateway-limits-'));
  let child = await start(port, dir, args);
  const passwordAt = args.indexOf('--requirepass');
  const client = new Redis({
    enableReadyCheck: false, // there may be no INFO
    port,
    host: '127.0.0.1',
    retryStrategy: () => 20,
    ...(passwordAt === -1 ? {} : { password: args[passwordAt + 1] ?? '' }),
  });
  client.on('error', () => {});
  return {
    port,
    client,
    get pid() {
      return child.pid ?? 0;
    },
    kill(signal) {
      child.kill(signal);
    },
    monitor: () => monitorOf(port, client),
    async restart() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      child = await start(port, dir, args);
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}
