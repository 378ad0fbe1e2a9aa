import { createServer } from 'node:net';
import { fail, ok } from './finding.ts';
import type { Finding } from './finding.ts';
import { holderOf, holderText } from '../../shared/net/port-holder.ts';
import type { PortHolder } from '../../shared/net/port-holder.ts';

export interface PortPlace {
  readonly host: string;
  readonly port: number;
  /** The variables that set them, such as `PORT` and `HOST`. */
  readonly portSetting: string;
  readonly hostSetting: string;
}

/** What came of trying to listen: nothing, or Node's error code, and who is in the way. */
export interface PortTrial {
  readonly code: string | undefined;
  readonly holder: PortHolder | undefined;
}

/** @param ours the gateway that answers on the admin port holds this one */
export function judgePort(
  { host, port, portSetting, hostSetting }: PortPlace,
  trial: PortTrial,
  ours: boolean,
): Finding {
  const check = portSetting;
  const where = `${host}:${port}`;
  const { code, holder } = trial;
  if (port === 0) return ok(check, 'any free port');
  if (code === undefined) return ok(check, `${where} is free`);
  const who = holderText(holder);
  if (code === 'EADDRINUSE' && ours) return ok(check, `${where} is held by the running gateway, ${who}`);
  if (code === 'EADDRINUSE')
    return fail(check, `${where} is taken by ${who}`, `Stop it, or set ${portSetting} to another port.`);
  if (code === 'EACCES') {
    const advice = `Set ${portSetting} to 1024 or above, or give the gateway CAP_NET_BIND_SERVICE.`;
    return fail(check, `${where} is not ours to open (${code})`, advice);
  }
  const advice = `Set ${hostSetting} to an address of this machine, or to 0.0.0.0.`;
  return fail(check, `${where} cannot be opened (${code})`, advice);
}

/** Listens on it for a moment. */
export async function tryPort({ host, port }: Pick<PortPlace, 'host' | 'port'>): Promise<PortTrial> {
  if (port === 0) return { code: undefined, holder: undefined };
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  return { code, holder: code === 'EADDRINUSE' ? holderOf(port) : undefined };
}
