import { X509Certificate } from 'node:crypto';
import { certificateNames } from '../../shared/tls/certificate-names.ts';

interface Served {
  /** Another configuration has another number. */
  readonly version: number;
  /** `undefined` without TLS. */
  readonly tls: { readonly certificates: readonly { readonly certificate: string }[] } | undefined;
}

export interface CertificateEnd {
  /** The first that it is for. */
  readonly name: string;
  /** Time of day. */
  readonly endsMs: number;
}

/** When the certificates for clients end, worked out once for each configuration; of those of one name (an RSA and an EC one) the first. */
export function certificateEnds(active: () => Served): () => readonly CertificateEnd[] {
  let known: { readonly version: number; readonly ends: readonly CertificateEnd[] } | undefined;
  return () => {
    const { version, tls } = active();
    if (known?.version !== version) known = { version, ends: endsOf(tls) };
    return known.ends;
  };
}

function endsOf(tls: Served['tls']): readonly CertificateEnd[] {
  const byName = new Map<string, number>();
  for (const { certificate: pem } of tls?.certificates ?? []) {
    const name = certificateNames(pem)[0] ?? '';
    const endsMs = Date.parse(new X509Certificate(pem).validTo);
    byName.set(name, Math.min(byName.get(name) ?? endsMs, endsMs));
  }
  return [...byName].map(([name, endsMs]) => ({ name, endsMs }));
}
