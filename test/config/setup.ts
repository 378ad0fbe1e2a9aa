import { configHistoryAnswer, configPushAnswer } from '../../src/shared/admin/config.ts';
import type { ConfigHistoryAnswer, ConfigPushAnswer } from '../../src/shared/admin/config.ts';
import { BEARER, call, TOKEN } from '../admin/setup.ts';
import type { AdminReply } from '../admin/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';

export const SIGNING_KEY = 'signing-key-of-tests';
export const KEY = 'api-gateway:config:versions';

/** A configuration whose one route, `/<name>`, answers by itself. */
export const yamlOf = (...names: readonly string[]): string =>
  `routes:\n${names.map((name) => `  - { name: ${name}, path: /${name}, respond: { status: 200, text: "${name}" } }\n`).join('')}`;

/** A node that takes its configuration from Redis; `/first` is in its file. */
export const startNode = (
  name: string,
  redis: { readonly port: number } | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Gateway> =>
  startGateway({
    yaml: yamlOf('first'),
    env: {
      NODE_NAME: name,
      ADMIN_TOKEN: TOKEN, // also where a node takes over the folder of another
      ACCESS_LOG: 'off',
      ...(redis === undefined
        ? { CONFIG_STORE: 'local' }
        : {
            CONFIG_STORE: 'redis',
            CONFIG_SIGNING_KEY: SIGNING_KEY,
            REDIS_URL: `redis://127.0.0.1:${redis.port}`,
          }),
      ...env,
    },
  });

export const tryPush = (gateway: Gateway, text: string, ifMatch = '*'): Promise<AdminReply> =>
  call(gateway, 'PUT /admin/config', {
    body: { files: [{ name: 'gateway.yaml', text }] },
    headers: { ...BEARER, 'if-match': ifMatch },
  });

const good = (reply: AdminReply): ConfigPushAnswer => {
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`);
  return configPushAnswer.parse(reply.json);
};

export const push = async (gateway: Gateway, text: string): Promise<ConfigPushAnswer> =>
  good(await tryPush(gateway, text));

export const rollback = async (gateway: Gateway, body: object = {}): Promise<ConfigPushAnswer> =>
  good(await call(gateway, 'POST /admin/config/rollback', { body, headers: BEARER }));

export const history = async (gateway: Gateway): Promise<ConfigHistoryAnswer> =>
  configHistoryAnswer.parse((await call(gateway, 'GET /admin/config/history')).json);

/** Whether a route of that name is there. */
export const serves = async (gateway: Gateway, name: string): Promise<boolean> =>
  (await get(gateway.port, `/${name}`)).status === 200;

export const metric = async (gateway: Gateway, name: string): Promise<string | undefined> =>
  (await get(gateway.adminPort, '/metrics')).body.split('\n').find((line) => line.startsWith(name));
