import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whenReady } from './processes.ts';
import type { Processes, ProcessSpec, Started } from './processes.ts';

/** Where subjects are started and what they forward to. */
export interface SubjectContext {
  readonly processes: Processes;
  readonly upstreamPort: number;
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
  readonly process: Started;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** So high that nothing is refused. */
export const ENDLESS = '100000000';

export interface GatewayExtras {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
}

/**
 * The gateway as it is shipped, one request thread, no access log; limits on, but too high to refuse.
 * Nothing else of the caller's environment reaches it.
 * @throws Error when it is not built or does not start
 */
export async function startGateway(context: SubjectContext, extras: GatewayExtras = {}): Promise<Proxy> {
  const entry = join(ROOT, 'dist/src/primary/main.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build`);
  const env = {
    PATH: process.env['PATH'],
    GATEWAY_SUPERVISE: 'off',
    WORKERS: '1',
    ACCESS_LOG: 'off',
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_PORT: '0',
    UPSTREAM_URL: `http://127.0.0.1:${context.upstreamPort}`,
    RATE_LIMIT_CAPACITY: ENDLESS,
    RATE_LIMIT_REFILL_RATE: ENDLESS,
    ...extras.env,
  };
  const spec: ProcessSpec = { name: 'gateway', command: [process.execPath, ...(extras.nodeFlags ?? []), entry], env };
  const started = context.processes.start(spec, context.core);
  const port = await whenReady(started, () => readyPort(started.stdout));
  return { version: `Node ${process.version}`, port, prefix: '/proxy', process: started };
}

/** The data port from the gateway's "gateway ready" line. */
function readyPort(log: string): number | undefined {
  const line = log.split('\n').find((text) => text.includes('"gateway ready"') && text.endsWith('}'));
  return line === undefined ? undefined : (JSON.parse(line) as { port: number }).port;
}
