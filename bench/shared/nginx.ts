import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Proxy, SubjectContext } from './gateway.ts';
import { accepts, freePort, versionOf, whenReady } from './processes.ts';
import type { Certificate } from './tls.ts';

/** What a configuration adds to plain forwarding. */
export interface NginxExtras {
  /** Lines of the main, the http and the location block. */
  readonly main: string;
  readonly http: string;
  readonly location: string;
  /** Of clients and to the upstream together; default 4096. */
  readonly maxConnections?: number;
  /** Clients then come over TLS. */
  readonly certificate?: Certificate | undefined;
  /** Passes WebSockets on, and keeps no connection to the upstream for anything else. */
  readonly webSockets?: true;
}

const KEPT = 'proxy_set_header Connection "";';
/** As its documentation has it. */
const UPGRADED =
  'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_read_timeout 3600s;';

/** With nothing but forwarding. */
export const PLAIN: NginxExtras = { main: '', http: '', location: '' };

/** nginx with one worker in one process, forwarding everything over kept connections. */
export async function startNginx(
  program: string,
  context: SubjectContext,
  extras: NginxExtras = PLAIN,
): Promise<Proxy> {
  const port = await freePort();
  const folder = join(context.folder, `nginx-${port}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'nginx.conf');
  // Its temporary folders are named because a plain user may not write to the packaged ones.
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${kind};\n`,
  );
  writeFileSync(
    file,
    `${extras.main}worker_processes 1; daemon off; master_process off; error_log stderr; pid nginx.pid;
events { worker_connections ${extras.maxConnections ?? 4096}; }
http {
  access_log off;
${extras.http}${temporary.join('')}  upstream u { server ${context.upstream.host}:${context.upstream.port}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}${tlsOf(extras)} keepalive_requests 100000000;
    location / {
${extras.location}      proxy_pass http://u; proxy_http_version 1.1; ${extras.webSockets === true ? UPGRADED : KEPT}
    }
  }
}
`,
  );
  const command = [program, '-p', folder, '-c', file, '-e', 'stderr'] as const;
  const started = context.processes.start({ name: 'nginx', command }, context.core);
  await whenReady(started, () => accepts(port));
  const tls = extras.certificate === undefined ? {} : ({ tls: true } as const);
  return { version: versionOf(program), port, ...tls, prefix: '', process: started };
}

const tlsOf = ({ certificate }: NginxExtras): string =>
  certificate === undefined
    ? ';'
    : ` ssl; ssl_protocols TLSv1.3; ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`;
