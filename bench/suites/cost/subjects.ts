import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT_ROOT } from '../../cli/project.ts';
import { findApache, startApache } from '../../shared/apache.ts';
import { startCaddy } from '../../shared/caddy.ts';
import { gatewayVariants, knowsSetting } from '../../shared/fronts.ts';
import type { GatewayVariant } from '../../shared/fronts.ts';
import { startGateway } from '../../shared/gateway.ts';
import type { Proxy, SubjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { PLAIN, startNginx } from '../../shared/nginx.ts';
import { findProgram, whenReady } from '../../shared/processes.ts';
import { subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Recorder, SuiteOptions } from '../../shared/suite.ts';
import type { Certificate } from '../../shared/tls.ts';
import { originOf } from '../../shared/upstream-process.ts';
import type { CostCase } from './cases.ts';

/** A started gateway and how it was started. */
export interface CostGateway {
  readonly variant: GatewayVariant;
  /** It pipelines to its upstream. */
  readonly pipelining: boolean;
  readonly subject: Subject;
}

export interface CostSubjects {
  readonly gateways: readonly CostGateway[];
  /** HAProxy first, where it is installed. */
  readonly peers: readonly Subject[];
}

/** Someone the gateway is compared with. */
interface Peer {
  readonly name: string;
  /** How to get it, for the note that says it is left out. */
  readonly install: string;
  /** A program in C or Go, that can be given a certificate; else of Node. */
  readonly isNative: boolean;
  /** With a certificate where it can. Undefined when it is not installed. */
  start(context: SubjectContext, certificate?: Certificate): Promise<Proxy> | undefined;
}

const NODE_PEERS = {
  fastify: new URL('./peers/fastify.js', import.meta.url),
  express: new URL('./peers/express.js', import.meta.url),
};
type NodePeer = keyof typeof NODE_PEERS;

const PIPELINING = 'UPSTREAM_PIPELINING';

const PEERS: readonly Peer[] = [
  {
    name: 'HAProxy',
    install: 'apt-get install haproxy',
    isNative: true,
    start: (context, certificate) =>
      withProgram(findProgram('haproxy'), (program) => startHaproxy(program, context, { certificate })),
  },
  {
    name: 'nginx',
    install: 'apt-get install nginx',
    isNative: true,
    start: (context, certificate) =>
      withProgram(findProgram('nginx'), (program) => startNginx(program, context, { ...PLAIN, certificate })),
  },
  {
    name: 'Apache httpd',
    install: 'apt-get install apache2',
    isNative: true,
    start: (context, certificate) => withProgram(findApache(), (program) => startApache(program, context, certificate)),
  },
  {
    name: 'Caddy',
    install: 'apt-get install caddy',
    isNative: true,
    start: (context, certificate) =>
      withProgram(findProgram('caddy'), (program) => startCaddy(program, context, certificate)),
  },
  {
    name: 'fastify',
    install: 'npm install',
    isNative: false,
    start: (context) => startNodePeer('fastify', ['fastify', '@fastify/http-proxy'], context),
  },
  {
    name: 'express',
    install: 'npm install',
    isNative: false,
    start: (context) => startNodePeer('express', ['express', 'http-proxy-middleware'], context),
  },
];

const FASTEST: readonly string[] = ['HAProxy', 'nginx'];

/** Whether a peer takes part in cases with so many. */
export function takesPart(name: string, peers: CostCase['peers']): boolean {
  const isNative = PEERS.find((peer) => peer.name === name)?.isNative === true;
  return peers === 'all' || (peers === 'proxies' ? isNative : FASTEST.includes(name));
}

/** All that speak plain HTTP, gateways that pipeline to their upstream among them. */
export async function startPlain(
  context: SubjectContext,
  record: Recorder,
  { front }: Pick<SuiteOptions, 'front'>,
): Promise<CostSubjects> {
  const gateways: CostGateway[] = [];
  for (const variant of gatewayVariants(front)) {
    const { name, env } = variant;
    gateways.push({ variant, pipelining: false, subject: subjectOf(name, await startGateway(context, { env })) });
    if (!knowsSetting(PIPELINING)) continue;
    const proxy = await startGateway(context, { env: { ...env, [PIPELINING]: '8' } });
    gateways.push({ variant, pipelining: true, subject: subjectOf(`${name}, pipelining 8`, proxy) });
  }
  if (!knowsSetting(PIPELINING))
    record.note(`No gateway that pipelines to its upstream: this build has no ${PIPELINING}.`);
  return { gateways, peers: await startPeers(PEERS, record, (peer) => peer.start(context)) };
}

/** The gateways, and all peers that can, with TLS for their clients. */
export async function startOverTls(
  context: SubjectContext,
  record: Recorder,
  { front, certificate }: Pick<SuiteOptions, 'front'> & { readonly certificate: Certificate },
): Promise<CostSubjects> {
  const gateways: CostGateway[] = [];
  for (const variant of gatewayVariants(front)) {
    const proxy = await startGateway(context, { env: variant.env, certificate });
    gateways.push({ variant, pipelining: false, subject: subjectOf(variant.name, proxy) });
  }
  const able = PEERS.filter(({ isNative }) => isNative);
  return { gateways, peers: await startPeers(able, record, (peer) => peer.start(context, certificate)) };
}

async function startPeers(
  peers: readonly Peer[],
  record: Recorder,
  start: (peer: Peer) => Promise<Proxy> | undefined,
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const peer of peers) {
    const started = await start(peer);
    if (started === undefined) {
      record.note(`${peer.name} is not installed and left out: ${peer.install}.`);
      continue;
    }
    record.tool(peer.name, started.version);
    subjects.push(subjectOf(peer.name, started));
  }
  return subjects;
}

function withProgram(
  program: string | undefined,
  start: (program: string) => Promise<Proxy>,
): Promise<Proxy> | undefined {
  return program === undefined ? undefined : start(program);
}

/** One of `peers/`, in a process of its own; undefined when a package it needs is not there. */
function startNodePeer(
  name: NodePeer,
  packages: readonly string[],
  context: SubjectContext,
): Promise<Proxy> | undefined {
  const versions = packages.map(packageVersion);
  if (versions.includes(undefined)) return undefined;
  const version = packages.map((each, i) => `${each} ${versions[i]}`).join(', ');
  return startPeerProcess(name, version, context);
}

async function startPeerProcess(name: NodePeer, version: string, context: SubjectContext): Promise<Proxy> {
  const command = [process.execPath, fileURLToPath(NODE_PEERS[name]), originOf(context.upstream)] as const;
  const env = { PATH: process.env['PATH'], NODE_ENV: 'production' };
  const started = context.processes.start({ name, command, env, ipc: true }, context.core);
  let port: number | undefined;
  started.child.once('message', (message) => (port = (message as { port: number }).port));
  return { version, port: await whenReady(started, () => port), prefix: '', process: started };
}

function packageVersion(name: string): string | undefined {
  const manifest = join(PROJECT_ROOT, 'node_modules', name, 'package.json');
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
