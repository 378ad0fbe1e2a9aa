import { afterAll, describe, expect, test } from 'vitest';
import { asBefore1_21, kustomized, missingForApiServer, startApiServer } from './api-server.ts';
import type { Verdict } from './api-server.ts';

/* What a real API server says of the manifests. That their parts fit each other is in manifests.test.ts. */

const missing = missingForApiServer();
if (missing !== undefined) process.stdout.write(`Kubernetes: no API server is asked about the manifests: ${missing}\n`);

const KINDS = [
  'Namespace',
  'ConfigMap',
  'Secret',
  'Service',
  'Deployment',
  'StatefulSet',
  'PodDisruptionBudget',
  'HorizontalPodAutoscaler',
  'Ingress',
  'NetworkPolicy',
];

describe.runIf(missing === undefined)('a real API server', async () => {
  if (missing !== undefined) return;
  const asBase = kustomized('compose/kubernetes/base');
  const asProduction = kustomized('compose/kubernetes/overlays/prod');
  const server = await startApiServer();
  afterAll(() => server[Symbol.asyncDispose]());
  const { text: version } = server.kubectl(['version', '-o', 'json']);
  const minor = Number(/"serverVersion"[^]*"minor": "(\d+)/.exec(version)?.[1]);
  const taken = (manifests: string): string => (minor < 23 ? asBefore1_21(manifests) : manifests);
  const base = taken(asBase);
  const production = taken(asProduction);
  const dryRun = (manifests: string): Verdict =>
    server.kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=true', '-f', '-'],
      manifests,
    );

  test('takes every kind there is, for real, and once more', () => {
    expect(new Set([...base.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind))).toEqual(new Set(KINDS));
    const created = server.kubectl(['create', '--validate=true', '-f', '-'], base);
    expect(created.accepted, created.text).toBe(true);
    expect(created.text.match(/ created$/gm)?.length).toBe(base.match(/^kind: /gm)?.length);
    for (const manifests of [base, production]) {
      for (const apply of [['apply'], ['apply', '--server-side', '--force-conflicts']]) {
        const { text, accepted } = server.kubectl([...apply, '--validate=true', '-f', '-'], manifests);
        expect(accepted, text).toBe(true);
      }
      expect(dryRun(manifests)).toMatchObject({ accepted: true });
    }
  });

  test('kubectl scale, as the runbook types it', () => {
    const scaled = server.kubectl(['scale', 'deployment', 'proxy-service', '-n', 'api-gateway', '--replicas=5']);
    expect(scaled).toMatchObject({ accepted: true, text: expect.stringContaining('scaled') });
    const raised = server.kubectl('patch hpa proxy-service -n api-gateway -p {"spec":{"minReplicas":5}}'.split(' '));
    expect(raised).toMatchObject({ accepted: true, text: expect.stringContaining('patched') });
  });

  test.each([
    ['a field that there is not', 'readinessProbe:', 'readynessProbe:', 'readynessProbe'],
    ['a quantity that is none', 'memory: 512Mi', 'memory: 512MiB', 'quantities must match'],
    [
      'a selector that is another',
      'matchLabels:\n      app: proxy-service',
      'matchLabels:\n      app: other',
      'selector',
    ],
    ['a port without a number', 'containerPort: 5000', 'containerPort: five', 'containerPort'],
    ['a kind that there is not', 'kind: Ingress\n', 'kind: Ingres\n', 'Ingres'],
    ['more that it asks for than it may have', 'memory: 256Mi', 'memory: 2Gi', 'must be less than or equal'],
    ['a mount of no volume', 'name: routes\n          readOnly', 'name: rutes\n          readOnly', 'rutes'],
  ])('refuses %s', (...[, right, wrong, reason]) => {
    expect(base).toContain(right);
    const verdict = dryRun(base.replaceAll(right, wrong));
    expect(verdict.text).toContain(reason);
    expect(verdict.accepted).toBe(false);
  });
});
