import { hostname, networkInterfaces } from 'node:os';
import { isMadeToken, tokenFileOf } from '../../shared/admin/token-file.ts';
import { tryReadFile } from '../../shared/config/text-file.ts';
import type { CliIo } from '../io.ts';

/** The token that a gateway on this machine made at its first start. */
export interface MadeToken {
  readonly path: string;
  readonly token: string | undefined;
  /** Why there is none; `undefined` when there is. */
  readonly problem: string | undefined;
}

/**
 * Looks for it where a gateway of this user with this admin port keeps it.
 * @returns `undefined`: the origin is another machine's, which is not given a token of this one
 */
export function madeTokenOf(io: CliIo, origin: string, stateDir: string | undefined): MadeToken | undefined {
  const { hostname: host, port, protocol } = new URL(origin);
  if (stateDir === undefined || !isThisMachine(host.replace(/^\[(.*)\]$/, '$1'))) return undefined;
  const defaultPort = protocol === 'https:' ? 443 : 80;
  const path = tokenFileOf(stateDir, port === '' ? defaultPort : Number(port));
  const file = tryReadFile(io.readFile, path);
  if (!file.ok) return { path, token: undefined, problem: file.why };
  const token = file.text.trim();
  return isMadeToken(token)
    ? { path, token, problem: undefined }
    : { path, token: undefined, problem: 'it holds no token' };
}

/** @param host a name or an address, without brackets */
export function isThisMachine(host: string): boolean {
  if (host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)) return true;
  if (host === hostname().toLowerCase()) return true;
  return Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === host));
}
