import { startRedis } from './redis.ts';
import type { TestRedis } from './redis.ts';
import { freePort } from './ports.ts';
import { eventually } from './wait.ts';

export interface TestCluster extends AsyncDisposable {
  readonly nodes: readonly TestRedis[];
  /** Start nodes as the store takes them. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
}

const SLOTS = 16_384;

/** Three primaries, each with a third of the slots; resolves when all agree that the cluster is well. */
export async function startCluster(settings: readonly string[] = []): Promise<TestCluster> {
  const nodes = await Promise.all(
    Array.from({ length: 3 }, async () =>
      startRedis([
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        String(await freePort()),
        '--cluster-node-timeout',
        '2000', // one that a busy machine does not serve for a second is not gone
        '--cluster-require-full-coverage',
        'no',
        ...settings,
      ]),
    ),
  );
  const [first] = nodes;
  for (const [i, node] of nodes.entries()) {
    const from = Math.floor((SLOTS * i) / 3);
    const to = Math.floor((SLOTS * (i + 1)) / 3) - 1;
    await node.client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    const busPort = /\bcluster-port\s+(\d+)/.exec(
      String(await node.client.call('CONFIG', 'GET', 'cluster-port')).replace(',', ' '),
    );
    if (i > 0) await first?.client.call('CLUSTER', 'MEET', '127.0.0.1', node.port, busPort?.[1] ?? '');
  }
  for (const node of nodes) {
    await eventually(async () => {
      const info = String(await node.client.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_slots_assigned:${SLOTS}`);
    }, 'a node knows the whole cluster');
  }
  return {
    nodes,
    addresses: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}
