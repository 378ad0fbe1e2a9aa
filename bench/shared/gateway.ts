import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.ts';
import { whenReady } from './processes.ts';
import type { Processes, ProcessSpec, Started } from './processes.ts';
import type { BenchRedis } from './redis.ts';
import type { Session } from './session.ts';
import type { Certificate } from './tls.ts';
import { originOf } from './upstream-process.ts';
import type { Upstream } from './upstream-process.ts';

/** Where subjects are started and what they forward to. */
export interface SubjectContext {
  readonly processes: Processes;
  readonly upstream: Upstream;
  /** Where generated configurations go. */
  readonly folder: string;
  /** The core to run on; undefined = wherever the kernel likes. */
  readonly core: number | undefined;
}

/** A started proxy in front of the bench's upstream. */
export interface Proxy {
  readonly version: string;
  readonly port: number;
  /** What goes before the upstream's path. */
  readonly prefix: string;
  /** Clients must come over TLS. */
  readonly tls?: true;
  readonly process: Started;
}

/** Where clients find it. */
export const clientOrigin = ({ tls, port }: Pick<Proxy, 'tls' | 'port'>): string =>
  `${tls === true ? 'https' : 'http'}://127.0.0.1:${port}`;

/** A started gateway. */
export interface GatewayProxy extends Proxy {
  readonly adminPort: number;
}

/** So high that nothing is refused. */
export const ENDLESS = '100000000';

export interface GatewayExtras {
  /** Request threads; default 1. More than one is not pinned: they would share a core. */
  readonly workers?: number | undefined;
  readonly redis?: Pick<BenchRedis, 'url'>;
  /** Clients then come over TLS. */
  readonly certificate?: Certificate | undefined;
  /** Any setting of the gateway; wins over all else here. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** A build other than the one this bench belongs to. */
  readonly dist?: string;
}

export const subjectContext = (session: Session, upstream: Upstream): SubjectContext => ({
  processes: session.processes,
  folder: session.folder,
  core: session.cores.subject,
  upstream,
});

/**
 * The gateway as it is shipped, one request thread, no access log; limits on, but too high to refuse. With a Redis it is
 * ready when it has reached it. Nothing else of the caller's environment gets to it.
 * @throws Error when it is not built or does not start
 */
export async function startGateway(context: SubjectContext, extras: GatewayExtras = {}): Promise<GatewayProxy> {
  const { workers = 1, redis, certificate, dist = fileURLToPath(new URL('../../', import.meta.url)) } = extras;
  const entry = `${dist.replace(/\/$/, '')}/src/primary/main.js`;
  if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build`);
  const env = {
    PATH: process.env['PATH'],
    GATEWAY_SUPERVISE: 'off',
    WORKERS: String(workers),
    ACCESS_LOG: 'off',
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_PORT: '0',
    STATE_DIR: context.folder,
    UPSTREAM_URL: originOf(context.upstream),
    RATE_LIMIT_CAPACITY: ENDLESS,
    RATE_LIMIT_REFILL_RATE: ENDLESS,
    ...(redis !== undefined && { REDIS_URL: redis.url }),
    ...(certificate !== undefined && { TLS_CERT_FILE: certificate.certFile, TLS_KEY_FILE: certificate.keyFile }),
    ...extras.env,
  };
  const spec: ProcessSpec = { name: 'gateway', command: [process.execPath, ...(extras.nodeFlags ?? []), entry], env };
  const started = context.processes.start(spec, workers > 1 ? undefined : context.core);
  const ports = await whenReady(started, () => readyPorts(started.stdout));
  const tls = certificate === undefined ? {} : ({ tls: true } as const);
  const proxy = { version: `Node ${process.version}`, ...ports, ...tls, prefix: '/proxy', process: started };
  if (redis !== undefined) await whenReady(started, () => redisReached(clientOrigin(proxy)));
  return proxy;
}

/** It serves before it has reached Redis. */
async function redisReached(origin: string): Promise<true | undefined> {
  const { status, body } = await ask(`${origin}/health`, { method: 'GET' });
  return status === 200 && !body.includes('degraded') ? true : undefined;
}

/** From the gateway's "gateway ready" line. */
function readyPorts(log: string): { port: number; adminPort: number } | undefined {
  const line = log.split('\n').find((text) => text.includes('"gateway ready"') && text.endsWith('}'));
  if (line === undefined) return undefined;
  const { port, adminPort } = JSON.parse(line) as { port: number; adminPort: number };
  return { port, adminPort };
}
