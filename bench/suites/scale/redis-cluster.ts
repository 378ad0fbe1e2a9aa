import { freePort } from '../../shared/processes.ts';
import { startRedis, stopRedis } from '../../shared/redis.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import { setTimeout as delay } from 'node:timers/promises';

const SLOTS = 16_384;
const AGREE_MS = 30_000;

/** Primaries that share the hash slots evenly, without replicas; one alone is no cluster. */
export interface Primaries {
  /** For REDIS_URL and REDIS_MODE. */
  readonly url: string;
  readonly mode: 'standalone' | 'cluster';
  readonly nodes: readonly BenchRedis[];
  stop(): Promise<void>;
}

/** @throws Error when they do not agree that all is well */
export async function startPrimaries(session: Session, count: number): Promise<Primaries> {
  const nodes: BenchRedis[] = [];
  const busPorts: number[] = [];
  for (let i = 0; i < count; i++) {
    const busPort = await freePort();
    const args = count === 1 ? [] : ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
    nodes.push(await startRedis(session, { args }));
    busPorts.push(busPort);
  }
  if (count > 1) await join(nodes, busPorts);
  return {
    url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    mode: count === 1 ? 'standalone' : 'cluster',
    nodes,
    stop: async () => void (await Promise.all(nodes.map(stopRedis))),
  };
}

async function join(nodes: readonly BenchRedis[], busPorts: readonly number[]): Promise<void> {
  const [first] = nodes;
  for (const [i, { client, port }] of nodes.entries()) {
    const from = Math.floor((SLOTS * i) / nodes.length);
    const to = Math.floor((SLOTS * (i + 1)) / nodes.length) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    if (i > 0) await first?.client.call('CLUSTER', 'MEET', '127.0.0.1', port, busPorts[i] ?? 0);
  }
  const deadline = performance.now() + AGREE_MS;
  for (const { client, process } of nodes) {
    const isWell = async (): Promise<boolean> => {
      const info = String(await client.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_slots_ok:${SLOTS}`);
    };
    while (!(await isWell())) {
      if (performance.now() > deadline) throw process.failure('does not know the whole cluster');
      await delay(50);
    }
  }
}
