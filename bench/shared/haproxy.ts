import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Proxy, SubjectContext } from './gateway.ts';
import { accepts, freePort, versionOf, whenReady } from './processes.ts';
import type { Certificate } from './tls.ts';

export interface HaproxyExtras {
  /** Of clients; it needs two descriptors for each. Default 4000. */
  readonly maxConnections?: number;
  /** Clients then come over TLS. */
  readonly certificate?: Certificate | undefined;
  /** Lines of the global section. */
  readonly global?: string;
  /** Lines of the defaults section. */
  readonly defaults?: string;
}

/** HAProxy with one thread, forwarding everything over kept connections. */
export async function startHaproxy(
  program: string,
  context: SubjectContext,
  extras: HaproxyExtras = {},
): Promise<Proxy> {
  const { certificate } = extras;
  const port = await freePort();
  const file = join(context.folder, `haproxy-${port}.cfg`);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn ${extras.maxConnections ?? 4000}
${extras.global ?? ''}defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 30s
  http-reuse always
${extras.defaults ?? ''}frontend f
  bind 127.0.0.1:${port}${certificate === undefined ? '' : ` ssl crt ${certificate.pemFile} alpn http/1.1`}
  default_backend b
backend b
  server s1 ${context.upstream.host}:${context.upstream.port}
`,
  );
  const started = context.processes.start({ name: 'haproxy', command: [program, '-db', '-f', file] }, context.core);
  await whenReady(started, () => accepts(port));
  const tls = certificate === undefined ? {} : ({ tls: true } as const);
  return { version: versionOf(program), port, ...tls, prefix: '', process: started };
}
