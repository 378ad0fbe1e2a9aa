import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { startUpstream } from '../../src/demo/server.ts';
import { plainBucketKey } from '../../src/shared/redis/keys.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { reloadsOf } from '../support/reload.ts';
import { get } from '../support/requests.ts';
import { untilPasses } from '../support/wait.ts';

/** A refill so slow that no test sees a token come back. */
export const NO_REFILL = '0.001';

/** Decisions are waited for as long as a loaded machine needs, so that counts are exact. */
export const PATIENT = { RATE_LIMIT_TIMEOUT_MILLISECONDS: '5000' } as const;

export interface LimitedOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The routes of GATEWAY_CONFIG, whose upstream is called `demo`; without them one route, `/proxy`. */
  readonly routes?: string;
  readonly redis?: { readonly port: number } | undefined;
}

export interface Limited extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  /** GATEWAY_CONFIG with these routes. */
  yaml(routes: string): string;
  /** Writes new routes and reloads; resolves when every thread uses them. */
  reload(routes: string): Promise<void>;
}

/** A gateway with limits in front of the demo upstream. */
export async function startLimited(options: LimitedOptions = {}): Promise<Limited> {
  const upstream = await startUpstream();
  const url = `http://127.0.0.1:${upstream.port}`;
  const yaml = (routes: string): string => `upstreams:\n  demo: { url: "${url}" }\nroutes:\n${routes}`;
  const gateway = await startGateway({
    env: {
      ACCESS_LOG: 'off',
      ...(options.routes === undefined ? { UPSTREAM_URL: url } : {}),
      ...(options.redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${options.redis.port}` }),
      ...options.env,
    },
    ...(options.routes === undefined ? {} : { yaml: yaml(options.routes) }),
  });
  const reload = reloadsOf(gateway);
  return {
    gateway,
    port: gateway.port,
    yaml,
    reload: (routes) => reload(yaml(routes)),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

export const bucketKey = (client: string, rule = ''): string => plainBucketKey(client, rule === '' ? '' : `:${rule}`);

/** Tokens in a bucket as Redis holds them. */
export const tokensOf = async (redis: Redis, client: string, rule = ''): Promise<number> =>
  Number(await redis.hget(bucketKey(client, rule), 'tokens'));

export const healthOf = async (port: number): Promise<{ status: string; reasons?: string[] }> =>
  JSON.parse((await get(port, { path: '/health' })).body) as { status: string; reasons?: string[] };

/** Waits until `/health` says `ok` or `degraded`. @returns served milliseconds it took (support/wait.ts) */
export const untilHealth = (port: number, status: string, withinMs?: number): Promise<number> =>
  untilPasses(async () => {
    const health = await healthOf(port);
    expect(health.status, JSON.stringify(health)).toBe(status);
  }, withinMs);
