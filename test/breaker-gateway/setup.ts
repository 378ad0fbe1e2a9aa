import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';

export { BREAKER_KEY } from '../../src/shared/redis/keys.ts';

/** The address of something on this machine that only has a port. */
interface OnPort {
  readonly port: number;
}

export const statusAt = async ({ port }: OnPort, path?: string): Promise<number> => (await get(port, path)).status;

/** `OPEN` or `HALF_OPEN` when the breaker refused, else `passed`. */
export const seenAt = async ({ port }: OnPort, path?: string): Promise<string> => {
  const { headers } = await get(port, path);
  return String(headers['x-circuit-breaker'] ?? 'passed');
};

export interface NodeOptions {
  readonly upstream: { readonly url: string };
  readonly redis?: OnPort | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the upstream's `circuit_breaker`, as one line of YAML, such as `{ min_nodes: 2 }`. */
  readonly breaker?: string;
  /** Of the route's `timeouts`. */
  readonly timeouts?: string;
}

/** GATEWAY_CONFIG of one route without limits to one upstream, `api`. */
export const yamlOf = ({ upstream, breaker = '{}', timeouts = '{}' }: NodeOptions): string => `
upstreams:
  api: { url: "${upstream.url}", circuit_breaker: ${breaker} }
routes:
  - { path: /proxy, upstream: api, limits: [], timeouts: ${timeouts} }
`;

/** A gateway without limits in front of the upstream. */
export const startNode = (options: NodeOptions): Promise<Gateway> =>
  startGateway({
    env: {
      ACCESS_LOG: 'off',
      HALF_CLOSE_SECONDS: '0.1', // an aborted client sends a FIN, as one that waits may
      ...(options.redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${options.redis.port}` }),
      ...options.env,
    },
    yaml: yamlOf(options),
  });

/** So many gateways, started two at a time: more would only take the processor from each other. */
export async function startNodes(count: number, options: NodeOptions): Promise<Gateway[]> {
  const nodes: Gateway[] = [];
  while (nodes.length < count) {
    const some = Math.min(2, count - nodes.length);
    nodes.push(...(await Promise.all(Array.from({ length: some }, () => startNode(options)))));
  }
  return nodes;
}

export const stopAll = async (nodes: readonly Gateway[]): Promise<void> =>
  void (await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]())));

/** A node that was started with Redis has heard from it. */
export const untilShared = (node: Gateway): Promise<unknown> =>
  node.waitForLog(({ msg }) => String(msg).startsWith('circuit breakers: Redis answers'));

/** Resolves when each node answers that way (see `seenAt`). @returns served milliseconds it took (support/wait.ts) */
export async function untilSeen(nodes: readonly OnPort[], wanted: string, withinMs?: number): Promise<number> {
  let tookMs = 0;
  for (const node of nodes) {
    tookMs += await eventually(async () => (await seenAt(node)) === wanted, `a node answers ${wanted}`, withinMs);
  }
  return tookMs;
}
