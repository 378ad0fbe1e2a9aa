import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { createAuthority } from '../../../../../test/support/certificates.ts';
import { CertificateCache } from './certificate-cache.ts';
import { certificateInClaims, withoutClientCert } from './client-cert-field.ts';

const authority = createAuthority();
afterAll(() => authority[Symbol.dispose]());
const pem = readFileSync(authority.issue('DNS:x', 2, { subject: '/CN=device' }).certFile, 'latin1');
const base64 = pem.replaceAll(/-----[^-]*-----|\s/g, '');

const read = (claims: string): unknown => {
  const found = certificateInClaims(claims, new CertificateCache(10));
  return typeof found === 'object' ? found.subjectCn : found;
};

test('the certificate that a proxy tells of', () => {
  expect(read('')).toBe('');
  expect(read('x-client-ip: 1.2.3.4\r\nx-client-cert: :AAAA:\r\nclient-cert-chain: :AAAA:\r\n')).toBe('');
  expect(read(`a: b\r\nCLIENT-cert: :${base64}:\r\nClient-Cert-Chain: :AAAA:\r\n`)).toBe('device');
});

test.each([
  [''],
  ['::'],
  [base64],
  [`:${base64}`],
  [`:${base64}:;a=1`],
  [`:${base64}:, :${base64}:`],
  [`:${base64.slice(0, -8)}:`],
  [`:${base64}AAAA:`],
  [`:${Buffer.from(pem).toString('base64')}:`],
  [':AAAA:'],
  ['"text"'],
  [encodeURIComponent(pem)],
])('%j is malformed', (value) => {
  expect(read(`client-cert: ${value}\r\n`)).toBeUndefined();
});

test('two are too many, whatever they are', () => {
  expect(read(`client-cert: :${base64}:\r\nclient-cert: :${base64}:\r\n`)).toBeUndefined();
  expect(read(`client-cert: :${base64}:\r\nx: y\r\nClient-Cert: \r\n`)).toBeUndefined();
});

test('the same text is read once, and what is no certificate is not kept', () => {
  const cache = new CertificateCache(2);
  expect(cache.ofBase64(base64)).toBe(cache.ofBase64(base64));
  expect(cache.ofPem(pem)).toBe(cache.ofPem(pem));
  expect(cache.ofBase64('AAAA')).toBeUndefined();
  const others = [0, 1, 2, 3, 4].map((n) => readFileSync(authority.issue(`DNS:${n}`).certFile, 'latin1'));
  const first = cache.ofPem(pem);
  for (const other of others) expect(cache.ofPem(other)?.sanDns).toHaveLength(1);
  expect(cache.ofPem(pem)).not.toBe(first); // it had to go
});

test('lines that speak of the certificate go, and nothing else', () => {
  const fields =
    'a: b\r\nClient-Cert: :x:\r\nx-client-cert: y\r\nclient-cert-chain: :z:\r\nclient-certificate: w\r\nv: client-cert: 1\r\n';
  expect(withoutClientCert(fields)).toBe('a: b\r\nx-client-cert: y\r\nclient-certificate: w\r\nv: client-cert: 1\r\n');
});
