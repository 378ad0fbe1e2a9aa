import { gauge } from '../../metrics/definition.ts';
import type { MetricDefinition } from '../../metrics/definition.ts';
import type { IssuerView } from './jwks-control.ts';

/** Where tokens are taken. */
export function jwksMetrics(views: () => readonly IssuerView[]): MetricDefinition[] {
  return [
    gauge('jwks_keys', 'Keys that tokens of an issuer are verified with; 0 = none is had, they get 503.', () =>
      views().map(({ issuer, keys }) => ({ labels: { issuer }, value: keys })),
    ),
    gauge('jwks_refresh_interval_seconds', 'How often the keys of an issuer are fetched.', () =>
      views().flatMap(({ issuer, refreshMs }) =>
        refreshMs === undefined ? [] : [{ labels: { issuer }, value: refreshMs / 1_000 }],
      ),
    ),
    gauge('jwks_last_success_timestamp_seconds', 'When the keys of an issuer were last fetched.', () =>
      views().flatMap(({ issuer, fetchedAtMs }) =>
        fetchedAtMs === undefined ? [] : [{ labels: { issuer }, value: fetchedAtMs / 1_000 }],
      ),
    ),
  ];
}
