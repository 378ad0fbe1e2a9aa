import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { createAuthority } from '../../../../../test/support/certificates.ts';
import type { CertificateConfig, ConsumerConfig, IdentitiesConfig } from '../../../../shared/config/identity/types.ts';
import type { Verdict } from '../../../../shared/identity/identity.ts';
import { CertificateVerifier } from './certificate-verifier.ts';
import { readCertificate } from './client-certificate.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { RefusedCertificates } from './refused-certificates.ts';

const authority = createAuthority();
afterAll(() => authority[Symbol.dispose]());
function issue(subject: string, names = 'DNS:x.test'): ClientCertificate {
  const { certFile } = authority.issue(names, 2, { subject });
  return readCertificate(readFileSync(certFile, 'latin1')) as ClientCertificate;
}
const device = issue('/CN=device', 'URI:urn:one,URI:urn:two,DNS:Device.test');

const consumer = (name: string, ...certificates: readonly Partial<CertificateConfig>[]): ConsumerConfig => ({
  name,
  profile: '',
  groups: [],
  disabled: false,
  keys: [],
  certificates: certificates.map((each) => ({ part: 'subject_cn', value: '', disabled: false, ...each })),
});

function setUp(config: Partial<IdentitiesConfig>) {
  let nowMs = device.endsMs - 1_000;
  const lines: unknown[] = [];
  const refused = new RefusedCertificates({ warn: (...line: unknown[]) => void lines.push(line) }, () => nowMs);
  const verifier = new CertificateVerifier({
    config: { consumers: [], authorities: [], ...config },
    wallClock: () => nowMs,
    refused,
  });
  const verified = (certificate: ClientCertificate): Promise<Verdict> =>
    new Promise((done) => verifier.verify(certificate, done));
  const nameOf = (certificate: ClientCertificate): string | undefined => {
    const known = verifier.known(certificate);
    return typeof known === 'object' ? known.consumer : known;
  };
  return { verifier, verified, nameOf, lines, later: (ms: number) => void (nowMs += ms) };
}

const BY_PART: readonly Partial<CertificateConfig>[] = [
  { part: 'subject_cn', value: 'device' },
  { part: 'san_dns', value: 'device.test' },
  { part: 'san_uri', value: 'urn:two' },
  { part: 'fingerprint', value: device.fingerprint },
];

test('the closest part names the consumer', () => {
  for (const part of BY_PART) expect(setUp({ consumers: [consumer('a', part)] }).nameOf(device)).toBe('a');
  for (let most = 1; most <= BY_PART.length; most++) {
    const consumers = BY_PART.slice(0, most).map((part, at) => consumer(`by-${at}`, part));
    expect(setUp({ consumers }).nameOf(device)).toBe(`by-${most - 1}`);
  }
});

test('one that is disabled is refused, whoever else it would be', () => {
  for (const part of BY_PART) {
    const consumers = [
      ...BY_PART.filter((each) => each !== part).map((each, at) => consumer(`by-${at}`, each)),
      consumer('stolen', { ...part, disabled: true }),
    ];
    const authorities = [{ name: 'fleet', issuerCn: undefined, part: 'subject_cn' as const, profile: '', groups: [] }];
    expect(setUp({ consumers, authorities }).nameOf(device)).toBeUndefined();
  }
});

test('the first authority that fits names all others', () => {
  const of = (name: string, more = {}) => ({
    name,
    issuerCn: undefined,
    part: 'subject_cn' as const,
    profile: 'iot',
    groups: ['g'],
    ...more,
  });
  const authorities = [
    of('no', { issuerCn: 'another CA' }),
    of('uri', { part: 'san_uri' }),
    of('cn', { issuerCn: 'test CA' }),
  ];
  const { verifier, nameOf } = setUp({ authorities, consumers: [consumer('sensor', { value: 'sensor' })] });
  expect(verifier.known(device)).toEqual({
    consumer: 'uri~urn:one',
    profile: 'iot',
    groups: ['g'],
    scopes: [],
    method: 'certificate',
    expiresAtMs: device.endsMs,
    keyHash: '',
  });
  expect(verifier.known(device)).toBe(verifier.known(device)); // made once
  expect(nameOf(issue('/CN=other'))).toBe('cn~other');
  expect(nameOf(issue('/CN=sensor'))).toBe('sensor');
  expect(nameOf(issue('/O=nameless'))).toBeUndefined();
  expect(setUp({ authorities: [of('f', { part: 'fingerprint' })] }).nameOf(device)).toBe(`f~${device.fingerprint}`);
});

test('nobody’s is wrong, and counts again only after five seconds', async () => {
  const { verifier, verified, lines, later } = setUp({});
  expect(verifier.known(device)).toBeUndefined();
  expect(await verified(device)).toBe('credentials_invalid');
  expect(verifier.known(device)).toBe('credentials_invalid');
  later(5_001);
  expect(verifier.known(device)).toBeUndefined();
  expect(lines).toEqual([
    [
      { fingerprint: device.fingerprint, subject_cn: 'device', refused: 1 },
      'certificates of clients are refused: no consumer and no authority is meant by it',
    ],
  ]);
});

test('one whose time ends is refused from then on', async () => {
  const { verifier, verified, nameOf, later } = setUp({ consumers: [consumer('a', { value: 'device' })] });
  expect(nameOf(device)).toBe('a');
  later(1_001);
  expect(verifier.known(device)).toBeUndefined();
  expect(await verified(device)).toBe('credentials_invalid');
});
