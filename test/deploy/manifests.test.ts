import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { describe, expect, test } from 'vitest';

/* What an API server would not say: that the parts of the manifests fit each other. */

const BASE = 'compose/kubernetes/base';

interface Meta {
  readonly name: string;
  readonly namespace?: string;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
  readonly securityContext: Record<string, unknown>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly [probe: string]: unknown;
}
interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly configMap?: Meta;
    readonly secret?: { readonly secretName: string };
  }[];
  readonly securityContext: Record<string, unknown>;
  readonly terminationGracePeriodSeconds?: number;
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Meta;
  // oxlint-disable-next-line typescript/no-explicit-any -- its form is what the tests are about
  readonly spec: any;
  readonly data?: Record<string, string>;
  readonly stringData?: Record<string, string>;
}

const files = readdirSync(BASE).filter((name) => name.endsWith('.yaml'));
const all = files
  .filter((name) => name !== 'kustomization.yaml')
  .flatMap((name) => parseAllDocuments(readFileSync(join(BASE, name), 'utf8')).map((each) => each.toJS() as Manifest));
const ofKind = (...kinds: readonly string[]): readonly Manifest[] => all.filter(({ kind }) => kinds.includes(kind));
const named = (kind: string, name: string): Manifest => {
  const found = ofKind(kind).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const workloads = ofKind('Deployment', 'StatefulSet');
const podOf = ({ spec }: Manifest): PodSpec => spec.template.spec;
const labelsOf = ({ spec }: Manifest): Record<string, string> => spec.template.metadata.labels;
const selected = (labels: Record<string, string>): readonly Manifest[] =>
  workloads.filter((each) => Object.entries(labels).every(([key, value]) => labelsOf(each)[key] === value));
const bytes = (text: string): number => {
  const [, number, unit = ''] = /^(\d+)(Mi|Gi)?$/.exec(text) ?? [];
  return Number(number) * ({ Mi: 2 ** 20, Gi: 2 ** 30 }[unit] ?? 1);
};

test('kustomization names every file there is', () => {
  const text = readFileSync(join(BASE, 'kustomization.yaml'), 'utf8');
  for (const name of files.filter((each) => each !== 'kustomization.yaml')) expect(text).toContain(name);
});

test('everything is in the namespace that the runbook types, in an API that is not deprecated', () => {
  const apis = new Set(['v1', 'apps/v1', 'policy/v1', 'autoscaling/v2', 'networking.k8s.io/v1']);
  for (const { apiVersion, kind, metadata } of all) {
    expect(apis).toContain(apiVersion);
    const namespace = kind === 'Namespace' ? metadata.name : metadata.namespace;
    expect([kind, metadata.name, namespace]).toEqual([kind, metadata.name, 'api-gateway']);
  }
});

describe.each(workloads.map((each) => [`${each.kind} ${each.metadata.name}`, each] as const))('%s', (_, workload) => {
  const pod = podOf(workload);

  test('selects its own pods', () => {
    const { matchLabels } = workload.spec.selector;
    for (const [key, value] of Object.entries(matchLabels)) expect(labelsOf(workload)[key]).toBe(value);
  });

  test('runs with as little as the namespace demands', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const { securityContext } of pod.containers)
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
  });

  test('has every volume that it mounts, of something that is there', () => {
    const claims: readonly Manifest[] = workload.spec.volumeClaimTemplates ?? [];
    const names = [...pod.volumes.map(({ name }) => name), ...claims.map(({ metadata }) => metadata.name)];
    for (const { volumeMounts } of pod.containers) for (const { name } of volumeMounts) expect(names).toContain(name);
    for (const { configMap, secret } of pod.volumes) {
      if (configMap !== undefined) named('ConfigMap', configMap.name);
      if (secret !== undefined) named('Secret', secret.secretName);
    }
    for (const { envFrom = [] } of pod.containers)
      for (const { configMapRef } of envFrom) named('ConfigMap', configMapRef.name);
  });

  test('reads secrets that the Secret has', () => {
    const { stringData = {} } = named('Secret', 'gateway');
    const folder = '/run/secrets/gateway/';
    const read = pod.containers
      .flatMap(({ env = [] }) => env.map(({ value = '' }) => value))
      .filter((value) => value.startsWith(folder));
    for (const path of read) expect(Object.keys(stringData)).toContain(path.slice(folder.length));
  });

  test('asks for no more than it may have, and its probes for ports that it has', () => {
    for (const container of pod.containers) {
      const { resources, ports = [] } = container;
      expect(bytes(resources.requests['memory'] ?? '')).toBeLessThanOrEqual(bytes(resources.limits['memory'] ?? ''));
      for (const { name } of ports) expect(name.length).toBeLessThanOrEqual(15);
      for (const kind of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
        const probe = container[kind] as Record<string, { port: string } | undefined> | undefined;
        if (probe === undefined) continue;
        expect(ports.map(({ name }) => name)).toContain((probe['httpGet'] ?? probe['tcpSocket'])?.port);
      }
    }
  });
});

test('services, ingress, budget, scaling and network policies point at what is there', () => {
  for (const { spec } of ofKind('Service')) {
    const [workload] = selected(spec.selector);
    const ports = podOf(workload as Manifest).containers.flatMap(({ ports: each = [] }) =>
      each.map(({ name }) => name),
    );
    for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
  }
  for (const { spec } of ofKind('Ingress'))
    for (const { http } of spec.rules)
      for (const { backend } of http.paths) {
        const service = named('Service', backend.service.name);
        expect(service.spec.ports.map(({ name }: Meta) => name)).toContain(backend.service.port.name);
      }
  for (const { spec } of ofKind('HorizontalPodAutoscaler')) named(spec.scaleTargetRef.kind, spec.scaleTargetRef.name);
  for (const { spec } of ofKind('PodDisruptionBudget')) expect(selected(spec.selector.matchLabels)).toHaveLength(1);
  for (const { spec } of ofKind('NetworkPolicy')) expect(selected(spec.podSelector.matchLabels)).toHaveLength(1);
});

test('the autoscaler alone says how many gateways there are', () => {
  expect(named('Deployment', 'proxy-service').spec.replicas).toBeUndefined();
  const { minReplicas } = named('HorizontalPodAutoscaler', 'proxy-service').spec;
  expect(minReplicas).toBeGreaterThan(named('PodDisruptionBudget', 'proxy-service').spec.maxUnavailable);
});
