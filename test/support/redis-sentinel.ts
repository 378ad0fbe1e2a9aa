import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from './redis.ts';
import type { TestRedis } from './redis.ts';
import { freePort } from './ports.ts';
import { eventually } from './wait.ts';

export interface TestSentinel extends AsyncDisposable {
  readonly port: number;
  readonly primary: TestRedis;
  readonly replica: TestRedis;
  /** Resolves when the replica has all that anybody has written to the primary up to now. */
  caughtUp(): Promise<void>;
}

/**
 * A primary, a replica and one Sentinel that promotes the replica soon after the primary is gone.
 * @param settings further lines of the Sentinel's file
 */
export async function startSentinel(settings: readonly string[] = []): Promise<TestSentinel> {
  const primary = await startRedis();
  const replica = await startRedis(['--replicaof', `127.0.0.1 ${primary.port}`]);
  const isLinked = async () => (await replica.client.info('replication')).includes('master_link_status:up');
  await eventually(isLinked, 'the replica follows');
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'gateway-sentinel-'));
  const file = join(dir, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
      'sentinel down-after-milliseconds main 300',
      'sentinel failover-timeout main 2000',
      ...settings,
    ].join('\n'),
  );
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes('+slave slave')) resolve(); // it has found the replica
    });
    child.once('exit', () => reject(new Error(`the Sentinel ended: ${seen}`)));
  });
  return {
    port,
    primary,
    replica,
    async caughtUp() {
      // WAIT looks at what was written on this connection alone; the stream has everybody's writes in order.
      await primary.client.set('test:written-last', '1');
      await primary.client.wait(1, 0);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await primary[Symbol.asyncDispose]();
      await replica[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
