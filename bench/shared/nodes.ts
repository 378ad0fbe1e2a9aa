import { startGateway, subjectContext } from './gateway.ts';
import type { GatewayProxy } from './gateway.ts';
import type { BenchRedis } from './redis.ts';
import type { Session } from './session.ts';
import type { Upstream } from './upstream-process.ts';

export interface NodesPlan {
  readonly count: number;
  readonly redis: BenchRedis;
  readonly upstream: Upstream;
  /** Request threads of each; default 1. */
  readonly workers?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway of several and what goes before the path of a request to it. */
export type GatewayNode = GatewayProxy & { readonly url: string };

/**
 * Several gateways on one Redis, on whichever core the kernel gives them.
 * @throws Error when one of them does not start
 */
export async function startNodes(session: Session, plan: NodesPlan): Promise<readonly GatewayNode[]> {
  const { count, redis, upstream, workers, env = {} } = plan;
  const place = { ...subjectContext(session, upstream), core: undefined };
  const start = async (): Promise<GatewayNode> => {
    const gateway = await startGateway(place, { redis, workers, env });
    return { ...gateway, url: `http://127.0.0.1:${gateway.port}${gateway.prefix}` };
  };
  return await Promise.all(Array.from({ length: count }, start));
}
