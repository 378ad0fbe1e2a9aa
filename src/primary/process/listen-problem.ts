import { createServer } from 'node:net';
import { holderOf, holderText } from '../../shared/net/port-holder.ts';

const WHY: Readonly<Record<string, string>> = {
  EACCES: 'is not allowed for this user',
  EADDRNOTAVAIL: 'is not an address of this machine',
  ENOTFOUND: 'is a name that does not resolve',
};

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');

/** One address the gateway listens on, with the names of its settings. */
export interface ListenPlace {
  readonly host: string;
  readonly port: number;
  readonly hostSetting: string;
  readonly portSetting: string;
}

/** What a person reads when an address cannot be listened on: which, why (and who is in the way), and what to do. */
export function listenProblem(place: ListenPlace, error: unknown): string {
  const { host, port, hostSetting, portSetting } = place;
  const code = codeOf(error);
  const where = `${hostSetting}=${host} ${portSetting}=${port}`;
  if (code === 'EADDRINUSE') {
    return `${where} is taken by ${holderText(holderOf(port))}. Stop it, or set ${portSetting} to a free port.`;
  }
  const why = WHY[code] ?? `cannot be listened on (${code})`;
  return `${where} ${why}. Set ${hostSetting} and ${portSetting} to an address this process may listen on.`;
}

/** Node's error for an address; uWS only says that it failed. `undefined` when it can be listened on by now. */
export function probeListen(host: string, port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
