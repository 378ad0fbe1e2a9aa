import { X509Certificate } from 'node:crypto';

/**
 * The DNS names a certificate is for, lower-case, wildcards as they are (`*.example.com`). Only subjectAltName counts:
 * no client looks at the common name any more.
 * @throws when the PEM is no certificate
 */
export function certificateNames(pem: string): readonly string[] {
  const { subjectAltName = '' } = new X509Certificate(pem);
  // A value with odd characters is quoted by Node; no server name a client sends can equal it.
  return subjectAltName
    .split(', ')
    .filter((entry) => /^DNS:[^"]+$/.test(entry))
    .map((entry) => entry.slice('DNS:'.length).toLowerCase());
}
