import type { EnvName } from '../env-table.ts';
import type { Problem } from '../problems.ts';
import type { Config } from '../types.ts';
import type { GatewayYaml } from '../yaml-schema.ts';

interface Sources {
  readonly given: ReadonlySet<EnvName>;
  readonly yaml: GatewayYaml | undefined;
}

/** The uws front cannot pass WebSockets on: whoever asked for them gets a 501 there. */
export function socketsOnUws({ routes, server }: Config, { given, yaml }: Sources): readonly Problem[] {
  if (server.front !== 'uws') return [];
  const keys = (yaml?.routes ?? []).flatMap(({ websocket }, index) =>
    websocket === undefined ? [] : [`routes.${routes[index]?.name}.websocket`],
  );
  if (given.has('WEBSOCKET') && keys.length === 0 && routes.some(({ websocket }) => websocket !== undefined)) {
    keys.push('WEBSOCKET');
  }
  const reason = 'FRONT=uws answers WebSockets with 501';
  return keys.map((key) => ({ key, value: undefined, expected: 'FRONT=native with it', reason }));
}
