import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJwks } from '../../../shared/identity/public-key.ts';
import type { PublicKey } from '../../../shared/identity/public-key.ts';
import { KeptKeys } from './kept-keys.ts';

const URL = 'https://idp.test/jwks';
const jwkOf = (curve: 'P-256' | 'rsa' | 'ed25519'): object => {
  if (curve === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' });
  if (curve === 'ed25519') return generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({ format: 'jwk' });
};
const keysOf = (...jwks: readonly object[]): readonly PublicKey[] => {
  const read = readJwks(JSON.stringify({ keys: jwks }));
  return read.ok ? read.keys : [];
};
const KEYS = keysOf(
  { ...jwkOf('P-256'), kid: 'e' },
  { ...jwkOf('rsa'), kid: 'r' },
  { ...jwkOf('rsa'), alg: 'PS512' },
  { ...jwkOf('ed25519'), kid: 'd', alg: 'EdDSA' },
);

let folder = '';
let warnings: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-kept-keys-'));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));
const open = (at: string | undefined = join(folder, 'state')): KeptKeys =>
  new KeptKeys(at, { warn: (_details: unknown, text?: string) => void warnings.push(String(text)) });
const file = (): string => {
  const [name = ''] = readdirSync(join(folder, 'state'));
  return join(folder, 'state', name);
};

async function keep(keys = KEYS): Promise<void> {
  const kept = open();
  kept.keep(URL, { keys, fetchedAtMs: 4_711 });
  await kept.close();
}

test('keys are there for the next process as they were, and for nobody else', async () => {
  await keep();
  expect(open().read(URL)).toEqual({ keys: KEYS, fetchedAtMs: 4_711 });
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(open().read('https://idp.test/other')).toBeUndefined();
  expect(readdirSync(join(folder, 'state'))).toHaveLength(1);
  expect(warnings).toEqual([]);
});

test('the newest of several hold', async () => {
  const kept = open();
  for (const key of KEYS) kept.keep(URL, { keys: [key], fetchedAtMs: 1 });
  await kept.close();
  expect(open().read(URL)?.keys).toEqual(KEYS.slice(-1));
});

test.each<[string, () => void, string]>([
  ['others may write', () => chmodSync(file(), 0o620), 'others may write the file'],
  ['is half a file', () => writeFileSync(file(), readFileSync(file(), 'utf8').slice(0, 99)), 'it is not JSON'],
  ['is empty', () => writeFileSync(file(), ''), 'it is not JSON'],
  [
    'is of another URL',
    () => writeFileSync(file(), readFileSync(file(), 'utf8').replace(URL, 'https://x/')),
    'it is something else',
  ],
  [
    'has no time',
    () => writeFileSync(file(), readFileSync(file(), 'utf8').replace('4711', '"4711"')),
    'it is something else',
  ],
  [
    'has no usable key',
    () => writeFileSync(file(), JSON.stringify({ url: URL, fetchedAtMs: 1, keys: [{ kty: 'oct', k: 'AA' }] })),
    'it has no key that a token could be verified with',
  ],
  ['is too large', () => writeFileSync(file(), ' '.repeat(600_000)), 'the file is too large'],
  [
    'is a link',
    () => {
      const target = join(folder, 'target');
      writeFileSync(target, readFileSync(file()));
      const path = file();
      rmSync(path);
      symlinkSync(target, path);
    },
    'ELOOP',
  ],
])('a file that %s is not used, and that is said', async (_what, spoil, why) => {
  await keep();
  spoil();
  expect(open().read(URL)).toBeUndefined();
  expect(warnings).toEqual([`kept keys of an issuer are not used: ${why}`]);
});

test('a folder that cannot be written is said once, and nothing without one', async () => {
  writeFileSync(join(folder, 'no-folder'), '');
  const kept = open(join(folder, 'no-folder'));
  kept.keep(URL, { keys: KEYS, fetchedAtMs: 1 });
  kept.keep(URL, { keys: KEYS, fetchedAtMs: 1 });
  await kept.close();
  expect(warnings).toEqual(['keys of issuers are not kept over a restart']);
  const none = new KeptKeys(undefined, { warn: () => void warnings.push('!') });
  none.keep(URL, { keys: KEYS, fetchedAtMs: 1 });
  expect([none.read(URL), warnings.length]).toEqual([undefined, 1]);
});
