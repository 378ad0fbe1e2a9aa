import type { TargetAnswer, TargetsAnswer } from '../../src/shared/admin/targets.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { until } from '../support/wait.ts';

export interface NodeOptions {
  /** Of the one upstream, `api`. */
  readonly targets: readonly string[];
  /** Of its `health`, as one line of YAML; undefined: it has none. */
  readonly health?: string | undefined;
  /** More of the upstream. */
  readonly more?: string;
  readonly redis?: { readonly port: number };
  readonly env?: Readonly<Record<string, string>>;
}

export const HEALTH = '{ path: /health, interval_seconds: 1, timeout_seconds: 0.5, healthy: 2, unhealthy: 2 }';

export const yamlOf = ({ targets, health, more = '' }: Pick<NodeOptions, 'targets' | 'health' | 'more'>): string => `
upstreams:
  api:
    targets: ${JSON.stringify(targets)}
    ${health === undefined ? '' : `health: ${health}`}
    ${more}
routes:
  - { path: /proxy, upstream: api, limits: [] }
`;

/** A gateway without limits in front of the targets. */
export const startNode = (options: NodeOptions): Promise<Gateway> =>
  startGateway({
    env: {
      ACCESS_LOG: 'off',
      ...(options.redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${options.redis.port}` }),
      ...options.env,
    },
    yaml: yamlOf(options),
  });

export const targetsOf = async ({ adminPort }: Gateway): Promise<TargetsAnswer> =>
  JSON.parse((await get(adminPort, '/admin/targets')).body) as TargetsAnswer;

/** How the node sees each target, in the order of the configuration, such as `down, not used`. */
export const seenBy = async (node: Gateway): Promise<readonly string[]> =>
  (await targetsOf(node)).targets.map(({ state, used }: TargetAnswer) => `${state}, ${used ? 'used' : 'not used'}`);

/** Resolves when the node sees its targets so. @returns served milliseconds it took (support/wait.ts) */
export async function untilSeen(node: Gateway, wanted: readonly string[], withinMs?: number): Promise<number> {
  let seen: readonly string[] = [];
  const holds = async (): Promise<boolean> => {
    seen = await seenBy(node);
    return JSON.stringify(seen) === JSON.stringify(wanted);
  };
  return until(holds, { ...(withinMs === undefined ? {} : { withinMs }), describe: () => seen });
}
