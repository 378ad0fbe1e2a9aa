import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wallClockMs } from '../../../src/shared/clock.ts';
import { apiKeyHash, makeApiKey } from '../../../src/shared/identity/api-key.ts';

const ISSUER = 'https://issuer.bench/';
const KID = 'bench';
const LIFE_SECONDS = 86_400;

/** A key, and what a configuration says of it. */
export interface BenchKey {
  readonly key: string;
  readonly yaml: string;
}

export function benchKey(id: string): BenchKey {
  const key = makeApiKey();
  return { key, yaml: `{ id: ${id}, sha256: ${apiKeyHash(key)} }` };
}

/** A signed token (ES256), and the issuer as a configuration has it. */
export interface BenchToken {
  readonly token: string;
  readonly yaml: string;
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** @param folder where the issuer's public key is written to */
export function benchToken(folder: string): BenchToken {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const file = join(folder, 'issuer.json');
  writeFileSync(file, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KID, alg: 'ES256' }] }));
  const exp = Math.floor(wallClockMs() / 1_000) + LIFE_SECONDS;
  const claims = { iss: ISSUER, aud: 'bench', sub: 'device-1', exp, scope: 'telemetry:read telemetry:write' };
  const text = `${encoded({ alg: 'ES256', typ: 'JWT', kid: KID })}.${encoded(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const yaml = `{ issuer: "${ISSUER}", audience: [bench], jwks_file: ${file} }`;
  return { token: `${text}.${signature.toString('base64url')}`, yaml };
}
