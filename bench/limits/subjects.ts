import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../shared/ask.ts';
import { ENDLESS, startGateway } from '../shared/gateway.ts';
import type { Proxy, SubjectContext } from '../shared/gateway.ts';
import { startNginx } from '../shared/nginx.ts';
import { findProgram, whenReady } from '../shared/processes.ts';
import { CLIENT_HEADER } from './cases.ts';
import type { ClientBy } from './cases.ts';
import type { BenchRedis } from './redis.ts';

export type SubjectName = 'gateway' | 'nginx + Lua';

/** A started proxy that limits with the help of a Redis of its own. */
export interface Subject extends Proxy {
  readonly name: SubjectName;
  readonly redis: BenchRedis;
}

/** Extra environment of a gateway that asks this Redis. */
export async function startLimitedGateway(
  context: SubjectContext,
  redis: BenchRedis,
  env: Readonly<Record<string, string>>,
): Promise<Subject> {
  const proxy = await startGateway(context, { env: { REDIS_URL: redis.url, ...env } });
  const health = `http://127.0.0.1:${proxy.port}/health`;
  // It serves before it has reached Redis; what is measured here starts afterwards.
  await whenReady(proxy.process, async () => {
    const { status, body } = await ask(health, { method: 'GET' });
    return status === 200 && !body.includes('degraded') ? true : undefined;
  });
  return { name: 'gateway', redis, ...proxy };
}

export const keyEnv = (clientBy: ClientBy): Record<string, string> => ({
  RATE_LIMIT_KEY: clientBy === 'ip' ? 'ip' : `header-plain:${CLIENT_HEADER}`,
});

/** The same gateway with a route that is not limited; all else, Redis included, is there. */
export function startUnlimitedGateway(context: SubjectContext, redis: BenchRedis): Promise<Subject> {
  const file = join(context.folder, 'unlimited.yaml');
  writeFileSync(file, 'routes:\n  - path: /proxy\n    strip_prefix: true\n    upstream: default\n    limits: []\n');
  return startLimitedGateway(context, redis, { GATEWAY_CONFIG: file });
}

const MODULES = ['ndk_http_module.so', 'ngx_http_lua_module.so'].map((file) => `/usr/lib/nginx/modules/${file}`);
const REDIS_CLIENT = '/usr/share/lua/5.1/nginx/redis.lua';

export const INSTALL_PEER = 'apt-get install nginx libnginx-mod-http-lua lua-nginx-redis';

/** Where nginx is, if it and what the peer needs of Debian's packages are installed. */
export function findNginxLua(): string | undefined {
  return [...MODULES, REDIS_CLIENT].every((file) => existsSync(file)) ? findProgram('nginx') : undefined;
}

/** nginx that runs a token bucket in Redis for every request, over kept connections. */
export async function startNginxLua(context: SubjectContext, redis: BenchRedis, clientBy: ClientBy): Promise<Subject> {
  const program = findNginxLua();
  if (program === undefined) throw new Error(`nginx with Lua is not installed: ${INSTALL_PEER}`);
  const script = readFileSync(new URL('./token-bucket.lua', import.meta.url), 'utf8');
  const sha = String(await redis.client.script('LOAD', script));
  const client = clientBy === 'ip' ? 'remote_addr' : `http_${CLIENT_HEADER.replaceAll('-', '_')}`;
  const proxy = await startNginx(program, context, {
    main: MODULES.map((file) => `load_module ${file};\n`).join(''),
    http: `  lua_package_path "/usr/share/lua/5.1/?.lua;;";
  init_worker_by_lua_block { redis = require "nginx.redis" sha = "${sha}" }
`,
    location: `      access_by_lua_block {
        local red = redis:new()
        local ok, err = red:connect("127.0.0.1", ${redis.port})
        if not ok then ngx.log(ngx.ERR, err) return ngx.exit(500) end
        local key = "api-gateway:rate-limit:" .. ngx.var.${client}
        local res, err = red:evalsha(sha, 1, key, "${ENDLESS}", "${ENDLESS}")
        red:set_keepalive(10000, 256)
        if not res then ngx.log(ngx.ERR, err) return ngx.exit(500) end
        ngx.header["X-RateLimit-Remaining"] = res[2]
        if res[1] == 0 then return ngx.exit(429) end
      }
`,
  });
  return { name: 'nginx + Lua', redis, ...proxy };
}
