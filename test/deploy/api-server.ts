import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from '../../scripts/setup/find-on-path.mjs';
import { freePort } from '../support/ports.ts';
import { until } from '../support/wait.ts';

/** What kubectl said, and whether the server took it. */
export interface Verdict {
  readonly accepted: boolean;
  readonly text: string;
}

/** A Kubernetes API server with its store, and nothing that would act on what it stores: it judges manifests. */
export interface ApiServer extends AsyncDisposable {
  kubectl(args: readonly string[], manifests?: string): Verdict;
}

const find = (program: string): string | undefined => findOnPath(program, process.env['PATH'] ?? '');
/** Names what is missing on this machine; `undefined` = an API server can be started. */
export function missingForApiServer(): string | undefined {
  if (find('kube-apiserver') === undefined)
    return 'no kube-apiserver: test/deploy/build-api-server.sh FOLDER makes one for `npm run test:deploy -- --folder FOLDER`';
  return ['etcd', 'kubectl', 'openssl']
    .filter((program) => find(program) === undefined)
    .map((program) => `no ${program}${program === 'kubectl' ? ', 1.21 or newer' : ''}`)[0];
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Starts both programs with an empty store, on free ports of the loopback, and waits until the server is ready. */
export async function startApiServer(): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-api-server-'));
  const [storePort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString('hex');
  const inFolder = (name: string): string => join(folder, name);
  writeFileSync(inFolder('tokens.csv'), `${token},admin,admin,system:masters\n`);
  spawnSync('openssl', ['genrsa', '-out', inFolder('key.pem'), '2048']);
  const server = `https://127.0.0.1:${port}`;
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(inFolder('kubeconfig'), JSON.stringify(kubeconfig));
  const store = `http://127.0.0.1:${storePort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  let log = '';
  const start = (program: string, args: readonly string[]): ChildProcess => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-4_000)));
    return child;
  };
  const etcd = start('etcd', [
    `--data-dir=${inFolder('etcd')}`,
    `--listen-client-urls=${store}`,
    `--advertise-client-urls=${store}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--log-level=error',
  ]);
  const api = start('kube-apiserver', [
    `--etcd-servers=${store}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--cert-dir=${inFolder('certificates')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    `--token-auth-file=${inFolder('tokens.csv')}`,
    '--disable-admission-plugins=ServiceAccount', // there is no controller that would make the accounts
    `--service-account-key-file=${inFolder('key.pem')}`,
    `--service-account-signing-key-file=${inFolder('key.pem')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
  ]);
  const kubectl = (args: readonly string[], manifests = ''): Verdict => {
    const { status, stdout, stderr } = spawnSync('kubectl', [`--kubeconfig=${inFolder('kubeconfig')}`, ...args], {
      encoding: 'utf8',
      input: manifests,
    });
    return { accepted: status === 0, text: stdout + stderr };
  };
  const dispose = async (): Promise<void> => {
    await end(api);
    await end(etcd);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => kubectl(['get', '--raw', '/readyz']).accepted, { withinMs: 20_000, describe: () => log });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { kubectl, [Symbol.asyncDispose]: dispose };
}

/** The manifests of a kustomization, as kubectl would send them. */
export function kustomized(folder: string): string {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`kubectl kustomize ${folder}: ${stderr}`);
  return stdout;
}

/** The same objects under the names that their interfaces had before Kubernetes 1.21 (policy) and 1.23 (autoscaling). */
export const asBefore1_21 = (manifests: string): string =>
  manifests
    .replaceAll('apiVersion: policy/v1\n', 'apiVersion: policy/v1beta1\n')
    .replaceAll('apiVersion: autoscaling/v2\n', 'apiVersion: autoscaling/v2beta2\n');
