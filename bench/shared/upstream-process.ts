import { fileURLToPath } from 'node:url';
import { whenReady } from './processes.ts';
import type { Started } from './processes.ts';
import type { Session } from './session.ts';

/** Where subjects forward to. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
  /** Undefined for one of the user's own (`--target`). */
  readonly process: Started | undefined;
}

export interface UpstreamExtras {
  /** For one that comes back where it was; 0 or undefined = any free port. */
  readonly port?: number;
}

/** Starts the bench's upstream (upstream.ts): `GET /ok`, `GET /bytes64k`, `POST /sink`, `GET /wait/<ms>`, WebSockets on `/ws` (echo). */
export async function startUpstream(session: Session, extras: UpstreamExtras = {}): Promise<Upstream> {
  const entry = fileURLToPath(new URL('./upstream.js', import.meta.url));
  const command = [process.execPath, entry, String(extras.port ?? 0)] as const;
  const started = session.processes.start({ name: 'upstream', command, ipc: true }, session.cores.upstream);
  let port: number | undefined;
  started.child.once('message', (message) => (port = (message as { port: number }).port));
  return { host: '127.0.0.1', port: await whenReady(started, () => port), process: started };
}

export const originOf = ({ host, port }: Pick<Upstream, 'host' | 'port'>): string => `http://${host}:${port}`;
