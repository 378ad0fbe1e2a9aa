import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { withoutEndDot } from '../../../shared/config/addresses.ts';
import type { UpstreamTlsConfig } from '../../../shared/config/types.ts';

/**
 * How the targets of an upstream are spoken to over TLS. Reads the file of certificates to trust.
 * @returns makes the options for a target, by its host name or address without brackets
 * @throws {Error} when that file cannot be read
 */
export function tlsOptionsOf(tls: UpstreamTlsConfig): (address: string) => ConnectionOptions {
  const options: ConnectionOptions = {
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: tls.verify,
    ...(tls.caFile === undefined ? {} : { ca: readFileSync(tls.caFile) }),
  };
  return (address) => {
    const serverName = tls.serverName ?? (isIP(address) === 0 ? withoutEndDot(address) : undefined);
    return serverName === undefined ? options : { ...options, servername: serverName };
  };
}
