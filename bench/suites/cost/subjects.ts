import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT_ROOT } from '../../cli/project.ts';
import type { Proxy, SubjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { startNginx } from '../../shared/nginx.ts';
import { findProgram, whenReady } from '../../shared/processes.ts';
import { originOf } from '../../shared/upstream-process.ts';

/** Someone the gateway is compared with. */
export interface Peer {
  readonly name: string;
  /** How to get it, for the note that says it is left out. */
  readonly install: string;
  /** Undefined when it is not installed. */
  start(context: SubjectContext): Promise<Proxy> | undefined;
}

const NODE_PEERS = {
  fastify: new URL('./peers/fastify.js', import.meta.url),
  express: new URL('./peers/express.js', import.meta.url),
};
type NodePeer = keyof typeof NODE_PEERS;

export const PEERS: readonly Peer[] = [
  {
    name: 'HAProxy',
    install: 'apt-get install haproxy',
    start: (context) => withProgram('haproxy', (program) => startHaproxy(program, context)),
  },
  {
    name: 'nginx',
    install: 'apt-get install nginx',
    start: (context) => withProgram('nginx', (program) => startNginx(program, context)),
  },
  {
    name: 'fastify',
    install: 'npm install',
    start: (context) => startNodePeer('fastify', ['fastify', '@fastify/http-proxy'], context),
  },
  {
    name: 'express',
    install: 'npm install',
    start: (context) => startNodePeer('express', ['express', 'http-proxy-middleware'], context),
  },
];

function withProgram(name: string, start: (program: string) => Promise<Proxy>): Promise<Proxy> | undefined {
  const program = findProgram(name);
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
