import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { wallClockMs } from '../../clock.ts';
import type { Problem } from '../problems.ts';
import { showValue } from '../problems.ts';
import { tryReadFile } from '../text-file.ts';
import type { ReadFile } from '../text-file.ts';
import type { TlsConfig, TlsFiles } from '../types.ts';

type Check = Pick<Problem, 'expected' | 'hint'> | undefined;

/** Whether OpenSSL can read it; its error texts are for experts, so only the fact is kept. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const parseCertificate = (pem: string): X509Certificate | undefined => readable(() => new X509Certificate(pem));

function checkPem(readFile: ReadFile, path: string, kind: 'certificate' | 'key'): Check {
  const file = tryReadFile(readFile, path);
  if (!file.ok) return { expected: 'a readable file', hint: file.why };
  if (kind === 'certificate') {
    return parseCertificate(file.text) === undefined ? { expected: 'a PEM file with a certificate' } : undefined;
  }
  const parsed = readable(() => createPrivateKey(file.text));
  return parsed === undefined ? { expected: 'a PEM file with a private key without passphrase' } : undefined;
}

/** A file of certificates to trust: there, readable, PEM. */
export const checkCaFile = (readFile: ReadFile, path: string): Check => checkPem(readFile, path, 'certificate');

const BEGIN_CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/** Each certificate of a PEM file by itself, with what stands before it. */
const certificatesIn = (pem: string): readonly string[] =>
  pem
    .split(BEGIN_CERTIFICATE)
    .slice(1)
    .map((rest) => BEGIN_CERTIFICATE + rest);

/** Those who issue certificates of clients: all of the file is certificates, as what is passed over would be missed. */
export function checkClientCaFile(readFile: ReadFile, path: string): Check {
  const file = tryReadFile(readFile, path);
  if (!file.ok) return { expected: 'a readable file', hint: file.why };
  const certificates = certificatesIn(file.text);
  const bad = certificates.findIndex((pem) => parseCertificate(pem) === undefined);
  const others = file.text.match(/-----BEGIN (?!CERTIFICATE-----)/);
  if (certificates.length > 0 && bad < 0 && others === null) return undefined;
  const hint =
    others === null && bad >= 0 ? `certificate ${bad + 1} cannot be read` : 'something else, or nothing, is in it';
  return { expected: 'a PEM file of certificates', hint };
}

/** Whether none of them vouches for itself. */
export const lacksRoot = (readFile: ReadFile, path: string): boolean =>
  certificatesIn(readFile(path)).every((pem) => {
    const certificate = parseCertificate(pem);
    return certificate === undefined || certificate.subject !== certificate.issuer;
  });

function checkPair({ certFile, keyFile }: TlsFiles, readFile: ReadFile): readonly Problem[] {
  const certificate = checkPem(readFile, certFile, 'certificate');
  const key = checkPem(readFile, keyFile, 'key');
  const problems: Problem[] = [];
  if (certificate !== undefined) problems.push({ key: 'TLS_CERT_FILE', value: showValue(certFile), ...certificate });
  if (key !== undefined) problems.push({ key: 'TLS_KEY_FILE', value: showValue(keyFile), ...key });
  if (problems.length > 0) return problems;
  const [cert, privateKey] = [readFile(certFile), readFile(keyFile)];
  const fits = readable(() => new X509Certificate(cert).checkPrivateKey(createPrivateKey(privateKey)));
  if (fits !== true) {
    const expected = 'the private key of the certificate in TLS_CERT_FILE';
    return [{ key: 'TLS_KEY_FILE', value: showValue(keyFile), expected }];
  }
  // A key that is too short, a signature with MD5, a chain of which a part is no certificate.
  const usable = readable(() => createSecureContext({ cert, key: privateKey, ca: [] })) !== undefined;
  const expected = 'a chain of certificates that OpenSSL is ready to show';
  return usable ? [] : [{ key: 'TLS_CERT_FILE', value: showValue(certFile), expected }];
}

export interface ServerTlsFiles {
  readonly certFiles: readonly string[] | undefined;
  readonly keyFiles: readonly string[] | undefined;
}

/** Both or neither, as many of one as of the other, readable, and each key is its certificate's. */
export function checkServerTls({ certFiles, keyFiles }: ServerTlsFiles, readFile: ReadFile): readonly Problem[] {
  if (certFiles === undefined && keyFiles === undefined) return [];
  if (certFiles === undefined || keyFiles === undefined) {
    const [set, unset] =
      certFiles === undefined ? ['TLS_KEY_FILE', 'TLS_CERT_FILE'] : ['TLS_CERT_FILE', 'TLS_KEY_FILE'];
    return [{ key: unset, value: undefined, expected: `a file, because ${set} is set` }];
  }
  if (certFiles.length !== keyFiles.length) {
    const expected = `a list of ${certFiles.length}: a key for each certificate in TLS_CERT_FILE`;
    return [{ key: 'TLS_KEY_FILE', value: showValue(keyFiles.join(',')), expected }];
  }
  return certFiles.flatMap((certFile, index) => checkPair({ certFile, keyFile: keyFiles[index] ?? '' }, readFile));
}

const outsideItsTime = (pem: string, nowMs: number): string | undefined => {
  const certificate = parseCertificate(pem);
  if (certificate === undefined) return undefined;
  const { validFrom, validTo } = certificate;
  const early = nowMs < Date.parse(validFrom);
  if (!early && nowMs <= Date.parse(validTo)) return undefined;
  return early ? `it is not valid before ${validFrom}` : `it expired on ${validTo}`;
};

/** Issuers of clients' certificates whose time is over, so that no client of theirs is let in. */
export function expiredAuthorities(
  tls: TlsConfig | undefined,
  readFile: ReadFile,
  nowMs = wallClockMs(),
): readonly Problem[] {
  const path = tls?.clientCaFile;
  if (path === undefined) return [];
  return certificatesIn(readFile(path)).flatMap((pem, index) => {
    const why = outsideItsTime(pem, nowMs);
    if (why === undefined) return [];
    const hint = `certificate ${index + 1}: ${why}`;
    return [{ key: 'TLS_CLIENT_CA_FILE', value: showValue(path), expected: 'certificates that are valid now', hint }];
  });
}

/** Certificates that no client will take today. They may be meant, for a test, so they are no problem. */
export function expiredCertificates(
  tls: TlsConfig | undefined,
  readFile: ReadFile,
  nowMs = wallClockMs(),
): readonly Problem[] {
  return (tls?.certificates ?? []).flatMap(({ certFile }) => {
    const hint = outsideItsTime(readFile(certFile), nowMs);
    if (hint === undefined) return [];
    return [{ key: 'TLS_CERT_FILE', value: showValue(certFile), expected: 'a certificate that is valid now', hint }];
  });
}
