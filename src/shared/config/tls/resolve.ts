import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import type { TlsConfig } from '../types.ts';

/** TLS with clients; `undefined` without a certificate. */
export function resolveTls(env: EnvValues): TlsConfig | undefined {
  const { TLS_CERT_FILE: certFiles, TLS_KEY_FILE: keyFiles } = env;
  if (certFiles === undefined || keyFiles === undefined) return undefined;
  return {
    // As many of one as of the other: that was checked.
    certificates: certFiles.map((certFile, index) => ({ certFile, keyFile: keyFiles[index] ?? '' })),
    minVersion: env.TLS_MIN_VERSION,
    ciphers: env.TLS_CIPHERS,
    handshakeTimeoutMs: toMs(env.TLS_HANDSHAKE_TIMEOUT_SECONDS),
    maxHandshakes: env.TLS_MAX_HANDSHAKES,
    ticketKeysFile: env.TLS_TICKET_KEYS_FILE,
    clientCaFile: env.TLS_CLIENT_AUTH === 'optional' ? env.TLS_CLIENT_CA_FILE : undefined,
  };
}
