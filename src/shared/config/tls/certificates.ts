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

/** Certificates that no client will take today. They may be meant, for a test, so they are no problem. */
export function expiredCertificates(
  tls: TlsConfig | undefined,
  readFile: ReadFile,
  nowMs = wallClockMs(),
): readonly Problem[] {
  return (tls?.certificates ?? []).flatMap(({ certFile }) => {
    const certificate = readable(() => new X509Certificate(readFile(certFile)));
    if (certificate === undefined) return [];
    const { validFrom, validTo } = certificate;
    const early = nowMs < Date.parse(validFrom);
    if (!early && nowMs <= Date.parse(validTo)) return [];
    const hint = early ? `it is not valid before ${validFrom}` : `it expired on ${validTo}`;
    return [{ key: 'TLS_CERT_FILE', value: showValue(certFile), expected: 'a certificate that is valid now', hint }];
  });
}
