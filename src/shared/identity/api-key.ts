import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The gateway's own API keys: `gw1_`, 256 random bits in base64url (43 characters), and the CRC-32 of what stands before
 * in six characters of base64url. The checksum finds typos and guesses without a look-up; it is no secret. So many random
 * bits need no slow hash: only SHA-256 of a key is ever stored.
 */
const PREFIX = 'gw1_';
const RANDOM_BYTES = 32;
const SIGNED = PREFIX.length + 43;
const FORM = /^gw1_[A-Za-z0-9_-]{49}$/;

export function makeApiKey(): string {
  const signed = PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');
  return signed + checksum(signed);
}

/** Whether this may be one of our keys; what is not needs no look-up. */
export const isWellFormedApiKey = (text: string): boolean =>
  FORM.test(text) && checksum(text.slice(0, SIGNED)) === text.slice(SIGNED);

/** What is stored of a key: SHA-256 in lower-case hex. */
export const apiKeyHash = (key: string): string => createHash('sha256').update(key).digest('hex');

function checksum(text: string): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64url');
}
