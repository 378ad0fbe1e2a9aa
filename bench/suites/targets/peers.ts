import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Proxy, SubjectContext } from '../../shared/gateway.ts';
import { accepts, freePort, whenReady } from '../../shared/processes.ts';
import type { Target } from './target.ts';

/** A started proxy before the targets. */
export type ProxyOfTargets = Pick<Proxy, 'port' | 'prefix' | 'process'>;

/** How a peer is started: its program, and what it stands before. */
export interface PeerPlan {
  readonly program: string;
  readonly place: SubjectContext;
  readonly targets: readonly Target[];
}

/** HAProxy with one thread as Debian's file and the manual's examples have it: `check` asks for a connection every 2 s, three failures take a server out. */
export async function startUsualHaproxy({ program, place, targets }: PeerPlan): Promise<ProxyOfTargets> {
  const port = await freePort();
  const file = join(place.folder, `haproxy-targets-${port}.cfg`);
  const servers = targets.map(({ host, port: to }, i) => `  server s${i + 1} ${host}:${to} check\n`);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
  retries 3
  option redispatch
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  balance roundrobin
${servers.join('')}`,
  );
  const started = place.processes.start({ name: 'haproxy', command: [program, '-db', '-f', file] }, place.core);
  await whenReady(started, () => accepts(port));
  return { port, prefix: '', process: started };
}

/**
 * nginx with one worker, with what it has unless told: a failure in 10 s takes a server out for 10 s, and a request goes to
 * the next one after an error or a time-out. Connections to targets are kept, as the manual advises.
 */
export async function startUsualNginx({ program, place, targets }: PeerPlan): Promise<ProxyOfTargets> {
  const port = await freePort();
  const folder = join(place.folder, `nginx-targets-${port}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'nginx.conf');
  const servers = targets.map(({ host, port: to }) => `    server ${host}:${to};\n`);
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
${temporary.join('')}  upstream u {
${servers.join('')}    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const command = [program, '-p', folder, '-c', file, '-e', 'stderr'] as const;
  const started = place.processes.start({ name: 'nginx', command }, place.core);
  await whenReady(started, () => accepts(port));
  return { port, prefix: '', process: started };
}
