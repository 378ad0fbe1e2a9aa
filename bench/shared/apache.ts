import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Proxy, SubjectContext } from './gateway.ts';
import { accepts, findProgram, freePort, versionOf, whenReady } from './processes.ts';
import type { Certificate } from './tls.ts';

const MODULES = '/usr/lib/apache2/modules';
const PLAIN = ['mpm_event', 'authz_core', 'proxy', 'proxy_http'];
/** Threads, each of which has one connection while it answers. */
const THREADS = 128;

/** Where Apache httpd is, if it and its modules lie as Debian has them. */
export const findApache = (): string | undefined => (existsSync(MODULES) ? findProgram('apache2') : undefined);

/** Apache httpd with one process that serves, in many threads as is its way, forwarding everything over kept connections. */
export async function startApache(
  program: string,
  { folder, core, processes, upstream }: SubjectContext,
  certificate?: Certificate,
): Promise<Proxy> {
  const port = await freePort();
  const own = join(folder, `apache-${port}`);
  mkdirSync(own, { recursive: true });
  const file = join(own, 'httpd.conf');
  const modules = certificate === undefined ? PLAIN : [...PLAIN, 'socache_shmcb', 'ssl'];
  const tls =
    certificate === undefined
      ? ''
      : `SSLEngine on\nSSLCertificateFile ${certificate.certFile}\nSSLCertificateKeyFile ${certificate.keyFile}\n`;
  writeFileSync(
    file,
    `${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so\n`).join('')}ServerRoot ${own}
DefaultRuntimeDir ${own}
PidFile ${own}/pid
Mutex posixsem
ErrorLog ${own}/error.log
ServerName 127.0.0.1
${process.getuid?.() === 0 ? 'User nobody\nGroup nogroup\n' : ''}StartServers 1
ServerLimit 1
ThreadsPerChild ${THREADS}
ThreadLimit ${THREADS}
MaxRequestWorkers ${THREADS}
MaxSpareThreads ${THREADS}
Listen 127.0.0.1:${port}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
${tls}ProxyPass / http://${upstream.host}:${upstream.port}/ keepalive=On max=${THREADS}
`,
  );
  const started = processes.start({ name: 'apache2', command: [program, '-f', file, '-DFOREGROUND'] }, core);
  await whenReady(started, () => accepts(port));
  const version = versionOf(program);
  return { version, port, ...(certificate !== undefined && { tls: true as const }), prefix: '', process: started };
}
