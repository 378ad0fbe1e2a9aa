import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readCertificate } from './client-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-certificate-'));
afterAll(() => rmSync(folder, { recursive: true }));
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(folder, 'key')];

/** @param extensions as openssl's `-addext` has them */
const make = (subject: string, ...extensions: readonly string[]): string =>
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      ...KEY,
      '-utf8',
      '-multivalue-rdn',
      '-subj',
      subject,
      ...extensions.flatMap((each) => ['-addext', each]),
    ],
    { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] },
  );

/** Names by tag and text (RFC 5280, section 4.2.1.6), which openssl would not take. */
function derNames(...names: readonly (readonly [tag: number, text: string])[]): string {
  const items = names.map(([tag, text]) => Buffer.from([tag, text.length, ...Buffer.from(text, 'latin1')]));
  const all = Buffer.concat(items);
  return `DER:${Buffer.concat([Buffer.of(0x30, all.length), all]).toString('hex')}`;
}

test.each([
  ['/C=DE/O=Acme/CN=device-1', 'device-1'],
  ['/CN=Acme, Inc. "x" <y>; #', 'Acme, Inc. "x" <y>; #'],
  ['/CN= blank at both ends ', ' blank at both ends '],
  ['/CN=#1', '#1'],
  ['/CN=ü€\u{1F600}', 'ü€\u{1F600}'],
  ['/CN=a\nCN=b', 'a\nCN=b'],
  ['/CN=a \\+ CN=b', 'a + CN=b'],
  ['/CN=a\\\\0Ab', 'a\\0Ab'],
  ['/CN=a+OU=b', 'a'],
  ['/OU=b+CN=a', 'a'],
  ['/OU=CN=a', ''],
  ['/O=x', ''],
  ['/CN=a/CN=b', ''],
  ['/CN=a+CN=b', ''],
])('the common name in %j is %j', (subject, name) => {
  const certificate = readCertificate(make(subject));
  expect([certificate?.subjectCn, certificate?.issuerCn]).toEqual([name, name]);
});

test.each<[string | undefined, string[], string[]]>([
  [undefined, [], []],
  ['DNS:A.test,URI:spiffe://x/Y,IP:127.0.0.1,DNS:*.b.test,email:a@b.test', ['spiffe://x/Y'], ['a.test', '*.b.test']],
  // Names that were made to look like two.
  [derNames([0x86, 'urn:a, DNS:root.test'], [0x82, 'e.test']), ['urn:a, DNS:root.test'], ['e.test']],
  [derNames([0x82, 'a"\\, DNS:root.test']), [], ['a"\\, dns:root.test']],
  [derNames([0x86, 'urn:\n\0x']), ['urn:\n\0x'], []],
  ['otherName:1.2.3;UTF8:DNS:root.test,DNS:c.test', [], ['c.test']],
])('names of %j', (names, uris, dns) => {
  const certificate = readCertificate(make('/CN=a', ...(names === undefined ? [] : [`subjectAltName=${names}`])));
  expect([certificate?.sanUris, certificate?.sanDns]).toEqual([uris, dns]);
});

test('a certificate that has neither subject nor names', () => {
  expect(readCertificate(make('/'))).toMatchObject({ subjectCn: '', sanUris: [], sanDns: [] });
});

test('its time, its fingerprint, and how RFC 9440 writes it', () => {
  const pem = make('/CN=a');
  const x509 = new X509Certificate(pem);
  const certificate = readCertificate(pem);
  const [from, to] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
  expect([from - 1, from, to, to + 1].map((at) => certificate?.isValidAt(at))).toEqual([false, true, true, false]);
  expect(certificate?.endsMs).toBe(to);
  expect(certificate?.fingerprint).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase());
  expect(certificate?.field).toBe(`:${x509.raw.toString('base64')}:`);
  expect(readCertificate(x509.raw)?.fingerprint).toBe(certificate?.fingerprint);
});

test('what is no certificate, or has something behind it', () => {
  const { raw } = new X509Certificate(make('/CN=a'));
  for (const bytes of [Buffer.alloc(0), raw.subarray(1), raw.subarray(0, -1), Buffer.concat([raw, Buffer.of(0)])]) {
    expect(readCertificate(bytes)).toBeUndefined();
  }
  expect(readCertificate(Buffer.from(make('/CN=a')))).toBeUndefined();
  expect(readCertificate('')).toBeUndefined();
});
