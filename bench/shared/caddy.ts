import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Proxy, SubjectContext } from './gateway.ts';
import { accepts, freePort, versionOf, whenReady } from './processes.ts';
import type { Certificate } from './tls.ts';

/** Caddy with one running thread of Go, forwarding everything over kept connections. */
export async function startCaddy(
  program: string,
  { folder, core, processes, upstream }: SubjectContext,
  certificate?: Certificate,
): Promise<Proxy> {
  const port = await freePort();
  const file = join(folder, `Caddyfile-${port}`);
  const [scheme, tls] =
    certificate === undefined ? ['http', ''] : ['https', `  tls ${certificate.certFile} ${certificate.keyFile}\n`];
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
  servers {
    protocols h1
  }
}
${scheme}://:${port} {
  bind 127.0.0.1
${tls}  reverse_proxy ${upstream.host}:${upstream.port} {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`,
  );
  const command = [program, 'run', '--config', file, '--adapter', 'caddyfile'] as const;
  // It wants a home for what it stores, and stores nothing.
  const env = { PATH: process.env['PATH'], HOME: folder, GOMAXPROCS: '1' };
  const started = processes.start({ name: 'caddy', command, env }, core);
  await whenReady(started, () => accepts(port));
  const version = versionOf(program, 'version');
  return { version, port, ...(certificate !== undefined && { tls: true as const }), prefix: '', process: started };
}
