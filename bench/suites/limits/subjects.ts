import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENDLESS, startGateway } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { startNginx } from '../../shared/nginx.ts';
import { findProgram } from '../../shared/processes.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import { subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import { CLIENT_HEADER } from './cases.ts';
import type { ClientBy } from './cases.ts';

export const PEER = 'nginx + Lua + Redis';

/** Who is limited, and how: by default so high that nothing is refused. */
export interface LimitPlan {
  readonly clientBy: ClientBy;
  readonly capacity?: number;
  readonly refillPerSecond?: number;
  /** Further settings of the gateway; the peer has none. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway that limits with this Redis. */
export async function startLimited(context: SubjectContext, redis: BenchRedis, plan: LimitPlan): Promise<Subject> {
  const env = {
    RATE_LIMIT_KEY: plan.clientBy === 'ip' ? 'ip' : `header-plain:${CLIENT_HEADER}`,
    RATE_LIMIT_CAPACITY: String(plan.capacity ?? ENDLESS),
    RATE_LIMIT_REFILL_RATE: String(plan.refillPerSecond ?? ENDLESS),
    ...plan.env,
  };
  return subjectOf('gateway', await startGateway(context, { redis, env }), { redis });
}

/** The same gateway with a route that is not limited; all else, Redis included, is there. */
export async function startUnlimited(context: SubjectContext, redis: BenchRedis): Promise<Subject> {
  const file = join(context.folder, 'unlimited.yaml');
  writeFileSync(file, 'routes:\n  - path: /proxy\n    strip_prefix: true\n    upstream: default\n    limits: []\n');
  const proxy = await startGateway(context, { redis, env: { GATEWAY_CONFIG: file } });
  return subjectOf('gateway, limits off', proxy, { redis });
}

/** With a lease: a thread takes so many tokens ahead for a busy client instead of asking for each batch. */
export async function startLeased(context: SubjectContext, redis: BenchRedis): Promise<Subject> {
  const env = { RATE_LIMIT_LEASE: '100', RATE_LIMIT_KEY: 'ip' };
  return subjectOf('gateway, lease on', await startGateway(context, { redis, env }), { redis });
}

const MODULES = ['ndk_http_module.so', 'ngx_http_lua_module.so'].map((file) => `/usr/lib/nginx/modules/${file}`);
const REDIS_CLIENT = '/usr/share/lua/5.1/nginx/redis.lua';

export const INSTALL_PEER = 'apt-get install nginx libnginx-mod-http-lua lua-nginx-redis';

/** Where nginx is, if it and what the peer needs of Debian's packages are installed. */
export function findNginxLua(): string | undefined {
  return [...MODULES, REDIS_CLIENT].every((file) => existsSync(file)) ? findProgram('nginx') : undefined;
}

/** nginx that runs a token bucket in Redis for every request, over kept connections. */
export async function startNginxLua(context: SubjectContext, redis: BenchRedis, plan: LimitPlan): Promise<Subject> {
  const program = findNginxLua();
  if (program === undefined) throw new Error(`nginx with Lua is not installed: ${INSTALL_PEER}`);
  const script = readFileSync(new URL('./token-bucket.lua', import.meta.url), 'utf8');
  const sha = String(await redis.client.script('LOAD', script));
  const client = plan.clientBy === 'ip' ? 'remote_addr' : `http_${CLIENT_HEADER.replaceAll('-', '_')}`;
  const [capacity, rate] = [plan.capacity ?? ENDLESS, plan.refillPerSecond ?? ENDLESS];
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
        local res, err = red:evalsha(sha, 1, key, "${capacity}", "${rate}")
        red:set_keepalive(10000, 256)
        if not res then ngx.log(ngx.ERR, err) return ngx.exit(500) end
        ngx.header["X-RateLimit-Remaining"] = res[2]
        if res[1] == 0 then return ngx.exit(429) end
      }
`,
  });
  return subjectOf(PEER, proxy, { redis });
}
