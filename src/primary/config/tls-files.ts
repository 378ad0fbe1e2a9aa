import { createHash } from 'node:crypto';
import type { TlsConfig } from '../../shared/config/types.ts';
import type { ReadFile } from '../../shared/config/text-file.ts';
import type { CertificateAndKey } from '../../shared/tls/material.ts';
import { parseTicketKeys } from '../../shared/tls/ticket-keys.ts';

/** The files that TLS_* name, as they were read. */
export interface LoadedTls {
  readonly certificates: readonly CertificateAndKey[];
  /** `undefined`: no file names any. */
  readonly ticketKeys: readonly Uint8Array[] | undefined;
  readonly clientCa: string | undefined;
  /** Digest of the certificates and keys: whether a reload brings others. */
  readonly digest: string;
}

/** Reads what was checked before. @throws when a file has gone since, or is another */
export function readTlsFiles(
  { certificates: files, ticketKeysFile, clientCaFile }: TlsConfig,
  readFile: ReadFile,
): LoadedTls {
  const certificates = files.map(({ certFile, keyFile }) => ({
    certificate: readFile(certFile),
    key: readFile(keyFile),
  }));
  const hash = createHash('sha256');
  for (const { certificate, key } of certificates) hash.update(certificate).update('\0').update(key).update('\0');
  const clientCa = clientCaFile === undefined ? undefined : readFile(clientCaFile);
  if (clientCa !== undefined) hash.update(clientCa);
  const digest = hash.digest('hex');
  if (ticketKeysFile === undefined) return { certificates, ticketKeys: undefined, clientCa, digest };
  const parsed = parseTicketKeys(readFile(ticketKeysFile));
  if (!parsed.ok) throw new Error('TLS_TICKET_KEYS_FILE changed while it was read');
  return { certificates, ticketKeys: parsed.keys, clientCa, digest };
}
