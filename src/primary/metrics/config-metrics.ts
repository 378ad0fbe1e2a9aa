import { createHash, X509Certificate } from 'node:crypto';
import type { Config } from '../../shared/config/types.ts';
import { certificateNames } from '../../shared/tls/certificate-names.ts';
import { gauge } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';

/** What of the active configuration is worth a number. */
export interface ConfigFacts {
  /** Another one has another number. */
  readonly version: number;
  readonly config: Pick<Config, 'routes' | 'upstreams' | 'limits' | 'jobs'>;
  /** `undefined` without TLS. */
  readonly tls: { readonly certificates: readonly { readonly certificate: string }[] } | undefined;
}

/** So much of a digest is still a whole number in a double. */
const DIGEST_BYTES = 6;

/** A number for what all nodes are to have in common: equal where that is, and as good as never else. */
export function commonDigest({ routes, upstreams, limits }: ConfigFacts['config']): number {
  const text = JSON.stringify([routes, upstreams, limits]);
  return createHash('sha256').update(text).digest().readUIntBE(0, DIGEST_BYTES);
}

/** By the first name that each is for; certificates of one name (an RSA and an EC one) count as the one that ends first. */
function ends({ tls }: ConfigFacts): readonly Sample[] {
  const byName = new Map<string, number>();
  for (const { certificate: pem } of tls?.certificates ?? []) {
    const name = certificateNames(pem)[0] ?? '';
    const endsMs = Date.parse(new X509Certificate(pem).validTo);
    byName.set(name, Math.min(byName.get(name) ?? endsMs, endsMs));
  }
  return [...byName].map(([name, endsMs]) => ({ labels: { name }, value: endsMs / 1000 }));
}

/** The numbers are worked out once for each configuration. */
export function configMetrics(active: () => ConfigFacts): MetricDefinition[] {
  let known: { readonly version: number; readonly ends: readonly Sample[]; readonly digest: number } | undefined;
  const current = () => {
    const facts = active();
    if (known?.version !== facts.version)
      known = { version: facts.version, ends: ends(facts), digest: commonDigest(facts.config) };
    return { ...known, serves: facts.config.jobs.mode !== 'only' };
  };
  return [
    gauge(
      'gateway_config_digest',
      'A number for routes, upstreams and limits: nodes that have the same ones show the same.',
      () => {
        const { digest, serves } = current();
        return serves ? digest : undefined;
      },
    ),
    gauge('tls_certificate_not_after_timestamp_seconds', 'When a certificate for clients ends.', () => current().ends),
  ];
}
