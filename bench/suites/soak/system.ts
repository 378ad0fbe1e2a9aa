import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startGateway, subjectContext } from '../../shared/gateway.ts';
import type { GatewayProxy } from '../../shared/gateway.ts';
import { freePort } from '../../shared/processes.ts';
import { startRedis } from '../../shared/redis.ts';
import type { BenchRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import type { SoakAction } from './plan.ts';

/** Bodies of two configurations that take turns: each reload changes something. */
const BODY_LIMITS = [1_000_000, 2_000_000] as const;

/** Gateway, upstream and Redis, and what can be done to them. */
export class System {
  readonly gateway: GatewayProxy;
  readonly #session: Session;
  readonly #file: string;
  #upstream: Upstream;
  #redis: BenchRedis;
  #reloads = 0;

  private constructor(session: Session, parts: SystemParts) {
    this.#session = session;
    this.gateway = parts.gateway;
    this.#file = parts.file;
    this.#upstream = parts.upstream;
    this.#redis = parts.redis;
  }

  /** @throws Error when one of them does not start */
  static async start(session: Session, workers: number | undefined): Promise<System> {
    // With a port of its own from the start: on one that the kernel chose uWebSockets.js does not set SO_REUSEADDR, and
    // connections that are still closing would keep its successor from listening.
    const upstream = await startUpstream(session, { port: await freePort() });
    const redis = await startRedis(session);
    const file = join(session.folder, 'soak.yaml');
    writeFileSync(file, configuration(0));
    // Probes soon: a fault is over when the upstream is back, not half a minute later.
    const env = { GATEWAY_CONFIG: file, CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '1' };
    const gateway = await startGateway(subjectContext(session, upstream), { redis, workers, env });
    return new System(session, { gateway, file, upstream, redis });
  }

  get reloads(): number {
    return this.#reloads;
  }

  /** Does it to the end: when this resolves, what was down is up again. @throws Error when it does not come back */
  async act(action: SoakAction, downSeconds: number): Promise<void> {
    switch (action) {
      case 'reload':
        writeFileSync(this.#file, configuration(++this.#reloads));
        this.gateway.process.child.kill('SIGHUP');
        return;
      case 'upstream restart': {
        const { port, process } = this.#upstream;
        process?.kill();
        await process?.exited;
        await delay(downSeconds * 1000);
        this.#upstream = await startUpstream(this.#session, { port });
        return;
      }
      case 'Redis restart': {
        const { port, process, client } = this.#redis;
        client.disconnect();
        process.kill();
        await process.exited;
        await delay(downSeconds * 1000);
        this.#redis = await startRedis(this.#session, { port });
        return;
      }
      default:
        return action satisfies never;
    }
  }

  async stop(): Promise<void> {
    this.#redis.client.disconnect();
    await Promise.all([this.gateway.process.stop(), this.#upstream.process?.stop(), this.#redis.process.stop()]);
  }
}

interface SystemParts {
  readonly gateway: GatewayProxy;
  readonly file: string;
  readonly upstream: Upstream;
  readonly redis: BenchRedis;
}

function configuration(number: number): string {
  const limit = BODY_LIMITS[number % BODY_LIMITS.length];
  return `routes:
  - path: /proxy
    strip_prefix: true
    upstream: default
    max_body_bytes: ${limit}
`;
}
