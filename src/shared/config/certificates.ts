import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Problem } from './problems.ts';
import { showValue } from './problems.ts';
import { tryReadFile } from './text-file.ts';
import type { ReadFile } from './text-file.ts';

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

/** Both or neither, readable, and the key is the certificate's. */
export function checkServerTls(
  { certFile, keyFile }: { readonly certFile: string | undefined; readonly keyFile: string | undefined },
  readFile: ReadFile,
): readonly Problem[] {
  if (certFile === undefined && keyFile === undefined) return [];
  if (certFile === undefined || keyFile === undefined) {
    const [set, unset] = certFile === undefined ? ['TLS_KEY_FILE', 'TLS_CERT_FILE'] : ['TLS_CERT_FILE', 'TLS_KEY_FILE'];
    return [{ key: unset, value: undefined, expected: `a file, because ${set} is set` }];
  }
  const certificate = checkPem(readFile, certFile, 'certificate');
  const key = checkPem(readFile, keyFile, 'key');
  const problems: Problem[] = [];
  if (certificate !== undefined) problems.push({ key: 'TLS_CERT_FILE', value: showValue(certFile), ...certificate });
  if (key !== undefined) problems.push({ key: 'TLS_KEY_FILE', value: showValue(keyFile), ...key });
  if (problems.length > 0) return problems;
  const fits = readable(() =>
    new X509Certificate(readFile(certFile)).checkPrivateKey(createPrivateKey(readFile(keyFile))),
  );
  return fits === true
    ? []
    : [
        {
          key: 'TLS_KEY_FILE',
          value: showValue(keyFile),
          expected: 'the private key of the certificate in TLS_CERT_FILE',
        },
      ];
}
