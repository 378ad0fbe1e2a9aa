import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createAuthority } from '../../../test/support/certificates.ts';
import { readConfig } from '../../shared/config/read-config.ts';
import { commonDigest, configMetrics } from './config-metrics.ts';
import type { ConfigFacts } from './config-metrics.ts';

function configOf(env: Readonly<Record<string, string>>): ConfigFacts['config'] {
  const read = readConfig({ UPSTREAM_URL: 'http://127.0.0.1:1', ...env }, () => '');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.config;
}

const valuesOf = (facts: ConfigFacts) =>
  Object.fromEntries(configMetrics(() => facts).map((metric) => [metric.name, metric.read()]));

test('the digest is that of what nodes have in common', () => {
  const first = commonDigest(configOf({}));
  expect(commonDigest(configOf({ PORT: '6000', NODE_NAME: 'b', WORKERS: '1' }))).toBe(first);
  for (const env of [
    { RATE_LIMIT_CAPACITY: '7' },
    { UPSTREAM_URL: 'http://127.0.0.1:2' },
    { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '9' },
    { RATE_LIMIT_ALLOWLIST: '10.0.0.0/8' },
  ])
    expect([env, commonDigest(configOf(env))]).not.toEqual([env, first]);
  expect(Number.isSafeInteger(first)).toBe(true);
});

test('a node that serves no clients need not have it', () => {
  const metrics = valuesOf({
    version: 1,
    config: configOf({ JOBS: 'only', REDIS_URL: 'redis://h:1' }),
    tls: undefined,
  });
  expect(metrics).toEqual({ gateway_config_digest: [], tls_certificate_not_after_timestamp_seconds: [] });
});

test('each certificate by its first name, of two for one name the one that ends first', () => {
  using authority = createAuthority();
  const issued = [
    authority.issue('DNS:a.example,DNS:b.example', 40),
    authority.issue('DNS:a.example', 3),
    authority.issue('IP:127.0.0.1', 10),
  ];
  const certificates = issued.map(({ certFile }) => ({ certificate: readFileSync(certFile, 'utf8') }));
  const samples = valuesOf({ version: 1, config: configOf({}), tls: { certificates } })[
    'tls_certificate_not_after_timestamp_seconds'
  ];
  const days = samples?.map(({ labels, value }) => [labels['name'], Math.round((value - Date.now() / 1000) / 86_400)]);
  expect(days).toEqual([
    ['a.example', 3],
    ['', 10],
  ]);
});

test('another configuration has other numbers', () => {
  let facts: ConfigFacts = { version: 1, config: configOf({}), tls: undefined };
  const [digest] = configMetrics(() => facts);
  const before = digest?.read();
  facts = { version: 2, config: configOf({ RATE_LIMIT_CAPACITY: '7' }), tls: undefined };
  expect(digest?.read()).not.toEqual(before);
});
