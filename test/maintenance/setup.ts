import { maintenanceAnswer } from '../../src/shared/admin/maintenance.ts';
import type { MaintenanceAnswer } from '../../src/shared/admin/maintenance.ts';
import { call } from '../admin/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway, GatewayOptions } from '../support/gateway.ts';
import { recordingUpstream } from '../support/http.ts';

export interface Routed extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
}

/** A gateway with two routes, `orders` and `items`, to an upstream that answers 200. */
export async function startRouted(
  options: Omit<GatewayOptions, 'yaml'> & { readonly redis?: { readonly port: number } } = {},
): Promise<Routed> {
  const { redis, ...rest } = options;
  const upstream = await recordingUpstream();
  const gateway = await startGateway({
    ...rest,
    env: {
      ACCESS_LOG: 'off',
      ...(redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.port}` }),
      ...rest.env,
    },
    yaml: `
upstreams: { some: { url: "http://127.0.0.1:${upstream.port}" } }
routes:
  - { path: /orders, name: orders, upstream: some }
  - { path: /items, name: items, upstream: some }
`,
  });
  return {
    gateway,
    port: gateway.port,
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** The calls under /admin/maintenance of a gateway; answers are checked against the schema that documents them. */
export interface MaintenanceCalls {
  readonly on: (wish?: Readonly<Record<string, unknown>>) => Promise<MaintenanceAnswer>;
  readonly off: (route?: string) => Promise<MaintenanceAnswer>;
  readonly list: () => Promise<MaintenanceAnswer>;
}

export function maintenanceCalls(gateway: Pick<Gateway, 'adminPort' | 'bearer'>): MaintenanceCalls {
  const change = async (body: unknown): Promise<MaintenanceAnswer> => {
    const { status, json } = await call(gateway, 'POST /admin/maintenance', { body });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`);
    return maintenanceAnswer.parse(json);
  };
  return {
    on: (wish = {}) => change({ state: 'ON', ...wish }),
    off: (route) => change({ state: 'OFF', ...(route === undefined ? {} : { route }) }),
    list: async () => maintenanceAnswer.parse((await call(gateway, 'GET /admin/maintenance')).json),
  };
}
