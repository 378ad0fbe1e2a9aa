import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accepts, findProgram, freePort, whenReady } from './processes.ts';
import type { Processes, ProcessSpec, Started } from './processes.ts';

export const SUBJECT_NAMES = ['gateway', 'haproxy', 'nginx'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

/** A started proxy in front of the bench's upstream. */
export interface Subject {
  readonly name: SubjectName;
  readonly version: string;
  readonly port: number;
  /** What goes before the upstream's path. */
  readonly prefix: string;
  readonly process: Started;
}

export interface SubjectContext {
  readonly processes: Processes;
  readonly upstreamPort: number;
  /** Where generated configurations go. */
  readonly folder: string;
  /** The core to run on; undefined = wherever the kernel likes. */
  readonly core: number | undefined;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Undefined when the program is not installed. */
export function startSubject(name: SubjectName, context: SubjectContext): Promise<Subject> | undefined {
  if (name === 'gateway') return startGateway(context);
  const program = findProgram(name);
  if (program === undefined) return undefined;
  return name === 'haproxy' ? startHaproxy(program, context) : startNginx(program, context);
}

/**
 * The gateway as it is shipped, one request thread, no access log; limits on, but too high to refuse.
 * Nothing else of the caller's environment reaches it.
 * @throws Error when it is not built or does not start
 */
export async function startGateway(context: SubjectContext, nodeFlags: readonly string[] = []): Promise<Subject> {
  const entry = join(ROOT, 'dist/src/primary/main.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build`);
  const env = {
    PATH: process.env['PATH'],
    GATEWAY_SUPERVISE: 'off',
    WORKERS: '1',
    ACCESS_LOG: 'off',
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_PORT: '0',
    UPSTREAM_URL: `http://127.0.0.1:${context.upstreamPort}`,
    RATE_LIMIT_CAPACITY: '100000000',
    RATE_LIMIT_REFILL_RATE: '100000000',
  };
  const spec: ProcessSpec = { name: 'gateway', command: [process.execPath, ...nodeFlags, entry], env };
  const started = context.processes.start(spec, context.core);
  const port = await whenReady(started, () => readyPort(started.stdout));
  return { name: 'gateway', version: `Node ${process.version}`, port, prefix: '/proxy', process: started };
}

/** The data port from the gateway's "gateway ready" line. */
function readyPort(log: string): number | undefined {
  const line = log.split('\n').find((text) => text.includes('"gateway ready"') && text.endsWith('}'));
  return line === undefined ? undefined : (JSON.parse(line) as { port: number }).port;
}

async function startHaproxy(program: string, context: SubjectContext): Promise<Subject> {
  const port = await freePort();
  const file = join(context.folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s1 127.0.0.1:${context.upstreamPort}
`,
  );
  const started = context.processes.start({ name: 'haproxy', command: [program, '-db', '-f', file] }, context.core);
  await whenReady(started, () => accepts(port));
  return { name: 'haproxy', version: versionOf(program), port, prefix: '', process: started };
}

async function startNginx(program: string, context: SubjectContext): Promise<Subject> {
  const port = await freePort();
  const folder = join(context.folder, 'nginx');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'nginx.conf');
  // Its temporary folders are named because a plain user may not write to the packaged ones.
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${kind};\n`,
  );
  writeFileSync(
    file,
    `worker_processes 1; daemon off; master_process off; error_log stderr; pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
${temporary.join('')}  upstream u { server 127.0.0.1:${context.upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}; keepalive_requests 100000000;
    location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const command = [program, '-p', folder, '-c', file, '-e', 'stderr'] as const;
  const started = context.processes.start({ name: 'nginx', command }, context.core);
  await whenReady(started, () => accepts(port));
  return { name: 'nginx', version: versionOf(program), port, prefix: '', process: started };
}

/** Both print something like "HAProxy version 2.6.12-1" or "nginx version: nginx/1.22.1". */
function versionOf(program: string): string {
  const { stdout, stderr } = spawnSync(program, ['-v'], { encoding: 'utf8' });
  return /\d+\.\d+[\w.+~-]*/.exec(stdout + stderr)?.[0] ?? 'unknown version';
}
