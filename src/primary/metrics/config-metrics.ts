import { createHash } from 'node:crypto';
import type { Config } from '../../shared/config/types.ts';
import { certificateEnds } from '../config/certificate-ends.ts';
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

/** The numbers are worked out once for each configuration. */
export function configMetrics(active: () => ConfigFacts): MetricDefinition[] {
  let known: { readonly version: number; readonly digest: number } | undefined;
  const ends = certificateEnds(active);
  const current = () => {
    const facts = active();
    if (known?.version !== facts.version) known = { version: facts.version, digest: commonDigest(facts.config) };
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
    gauge('tls_certificate_not_after_timestamp_seconds', 'When a certificate for clients ends.', () =>
      ends().map(({ name, endsMs }): Sample => ({ labels: { name }, value: endsMs / 1000 })),
    ),
  ];
}
