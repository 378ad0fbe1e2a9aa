import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { read } from '../test-reading.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = pair.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const PRIVATE = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const SET = JSON.stringify({ keys: [pair.publicKey.export({ format: 'jwk' })] });

const warningsOf = (keys: string, files: Readonly<Record<string, string>>): readonly string[] => {
  const yaml = `upstreams: { o: { url: http://o } }
issuers: { main: { issuer: i, ${keys} } }
routes: [{ path: /, upstream: o, authenticate: [jwt] }]`;
  const result = read({ GATEWAY_CONFIG: 'd/g.yaml' }, { 'd/g.yaml': yaml, ...files });
  expect(result.ok).toBe(true);
  return result.warnings.map((each) => formatProblems([each]));
};

test.each<[string, string, string]>([
  ['public_key_file: k', PRIVATE, 'public_key_file: got "d/k", expected public keys in PEM; it is a private key'],
  ['public_key_file: k', SET, 'public_key_file: got "d/k", expected public keys in PEM; it is no public key in PEM'],
  ['jwks_file: k', PEM, 'jwks_file: got "d/k", expected a JWK set; it is not JSON'],
  ['jwks_file: k', '[]', 'jwks_file: got "d/k", expected a JWK set; it is no key set: it has no "keys"'],
  ['jwks_file: none', '', 'jwks_file: got "d/none", expected a JWK set; there is no such file'],
  ['jwks_file: k, algorithms: [RS256]', SET, 'jwks_file: got "d/k", expected a JWK set; it has no key for RS256'],
])('a file of keys that is of no use is warned of: %s', (keys, text, line) => {
  expect(warningsOf(keys, { 'd/k': text })).toEqual([`issuers.main.${line}`]);
});

test('a good one is not, and what is wrong shows nothing of the file', () => {
  expect(warningsOf('public_key_file: k', { 'd/k': PEM })).toEqual([]);
  expect(warningsOf('jwks_file: k', { 'd/k': SET })).toEqual([]);
  expect(warningsOf('public_key_file: k', { 'd/k': PRIVATE }).join()).not.toContain('BEGIN');
});
