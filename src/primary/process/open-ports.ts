import type { Config } from '../../shared/config/types.ts';
import { EXIT } from '../../shared/exit-codes.ts';
import type { ExitCode } from '../../shared/exit-codes.ts';
import { startAdminServer } from '../admin/server/server.ts';
import type { AdminOptions, AdminServer } from '../admin/server/server.ts';
import type { Acceptor } from '../front/acceptor.ts';
import { openFront } from '../front/open-front.ts';
import type { FrontParts } from '../front/open-front.ts';
import { UwsUnavailable } from '../front/uws-acceptor.ts';
import { listenProblem } from './listen-problem.ts';

/** The gateway cannot start; the message is for the person who started it. */
export class StartFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

const uwsProblem = (why: string): string =>
  `FRONT=uws cannot run here: uWebSockets.js does not load (${why}). ` +
  'In the gateway\'s folder "FRONT=uws npm start" or "node scripts/setup.mjs --front uws" prepares it for this system; ' +
  'FRONT=native needs none of it.';

/**
 * Makes what accepts connections; it does not listen yet. Rejects with a {@link StartFailure} for unusable TLS files and
 * without uWebSockets.js.
 */
export async function openAcceptor(parts: FrontParts): Promise<Acceptor> {
  const { tls } = parts.config.server;
  try {
    return await openFront(parts);
  } catch (error) {
    if (error instanceof UwsUnavailable) throw new StartFailure(EXIT.badConfig, uwsProblem(error.message));
    if (tls === undefined) throw error;
    throw new StartFailure(EXIT.badConfig, `TLS_CERT_FILE and TLS_KEY_FILE cannot be used: ${String(error)}`);
  }
}

/** Opens the admin port. Rejects with a {@link StartFailure} that says why it cannot be had. */
export async function openAdmin(
  { adminHost: host, adminPort: port }: Config['server'],
  parts: Omit<AdminOptions, 'host' | 'port'>,
): Promise<AdminServer> {
  try {
    return await startAdminServer({ host, port, ...parts });
  } catch (error) {
    const place = { host, port, hostSetting: 'ADMIN_HOST', portSetting: 'ADMIN_PORT' };
    throw new StartFailure(EXIT.portTaken, listenProblem(place, error));
  }
}

/** Opens the data port. Rejects with a {@link StartFailure} that says why it cannot be had. @returns the port it got */
export async function listen(acceptor: Acceptor, { host, port }: Config['server']): Promise<number> {
  try {
    return await acceptor.listen(host, port);
  } catch (error) {
    const place = { host, port, hostSetting: 'HOST', portSetting: 'PORT' };
    throw new StartFailure(EXIT.portTaken, listenProblem(place, error));
  }
}

/** Where a browser on this machine finds it. */
export function originOf(scheme: 'http' | 'https', host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
