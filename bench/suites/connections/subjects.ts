import { gatewayVariants } from '../../shared/fronts.ts';
import { startGateway } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { startNginx } from '../../shared/nginx.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';

/** Beyond those that are held: of the warm-up, and to the upstream. */
const MORE = 400;

/** Starts a proxy that keeps so many idle connections open for ten minutes or more. */
export interface Holding {
  readonly name: string;
  start(connections: number): Promise<Subject>;
}

/** The gateway, with each front that is asked for, and nginx and HAProxy where they are installed. */
export function holdingSubjects({ record, options }: SuiteContext, place: SubjectContext): Holding[] {
  const { workers, front } = options;
  const gateways = gatewayVariants(front).map(({ name, env: own }): Holding => ({
    name,
    async start(connections) {
      // 900 s is the longest it can.
      const env = {
        IDLE_TIMEOUT_SECONDS: '900',
        MAX_CONNECTIONS: String(connections + MORE),
        NODE_OPTIONS: `--import=${new URL('./collect-garbage.js', import.meta.url).href}`,
        ...own,
      };
      return subjectOf(name, await startGateway(place, { workers, env }), { threads: workers ?? 1 });
    },
  }));
  const peers = [
    { name: 'nginx', program: findProgram('nginx'), start: startIdleNginx },
    { name: 'HAProxy', program: findProgram('haproxy'), start: startIdleHaproxy },
  ] as const;
  const installed = peers.flatMap(({ name, program, start }): Holding[] => {
    if (program === undefined) {
      record.note(`${name} is not installed and left out.`);
      return [];
    }
    record.tool(name, versionOf(program));
    return [{ name, start: (connections) => start(program, place, connections + MORE) }];
  });
  return [...gateways, ...installed];
}

async function startIdleNginx(program: string, place: SubjectContext, connections: number): Promise<Subject> {
  // It closes idle connections when less than a sixteenth of its table is free.
  const maxConnections = Math.ceil(connections * 1.25);
  const http = '  keepalive_timeout 3600s;\n';
  return subjectOf('nginx', await startNginx(program, place, { main: '', http, location: '', maxConnections }));
}

async function startIdleHaproxy(program: string, place: SubjectContext, maxConnections: number): Promise<Subject> {
  // It wants two descriptors for each connection it might forward at once, and these are idle.
  const extras = { maxConnections, global: '  no strict-limits\n' };
  return subjectOf('HAProxy', await startHaproxy(program, place, extras));
}
