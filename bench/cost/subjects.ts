import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGateway } from '../shared/gateway.ts';
import type { Proxy, SubjectContext } from '../shared/gateway.ts';
import { startNginx } from '../shared/nginx.ts';
import { accepts, findProgram, freePort, versionOf, whenReady } from '../shared/processes.ts';

export const SUBJECT_NAMES = ['gateway', 'haproxy', 'nginx'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

export interface Subject extends Proxy {
  readonly name: SubjectName;
}

/** Undefined when the program is not installed. */
export async function startSubject(name: SubjectName, context: SubjectContext): Promise<Subject | undefined> {
  if (name === 'gateway') return { name, ...(await startGateway(context)) };
  const program = findProgram(name);
  if (program === undefined) return undefined;
  const proxy = await (name === 'haproxy' ? startHaproxy(program, context) : startNginx(program, context));
  return { name, ...proxy };
}

async function startHaproxy(program: string, context: SubjectContext): Promise<Proxy> {
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
  return { version: versionOf(program), port, prefix: '', process: started };
}
