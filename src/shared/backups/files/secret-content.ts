import { open } from 'node:fs/promises';
import { basename } from 'node:path';

/** `.env` and `.env.prod`, private keys and stores of them, the admin tokens that the gateway makes. */
const SECRET_NAMES = [/^\.env(\..*)?$/, /\.(key|p12|pfx|jks|keystore)$/i, /^admin-token-\d+$/, /^id_[a-z0-9]+$/];
const SECRET_CONTENT = /-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-1/;
/** Keys are short; a file that only talks of one further down is no key. */
const LOOKED_AT_BYTES = 16 * 1024;

/**
 * Whether a file holds a secret, as far as can be told: it is named by the configuration as one, named as one, or begins
 * with a private key.
 *
 * @param secretFiles absolute paths
 */
export async function holdsSecret(path: string, secretFiles: readonly string[]): Promise<boolean> {
  if (secretFiles.includes(path) || SECRET_NAMES.some((name) => name.test(basename(path)))) return true;
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT_BYTES), 0, LOOKED_AT_BYTES, 0);
  return SECRET_CONTENT.test(buffer.toString('latin1', 0, bytesRead));
}
