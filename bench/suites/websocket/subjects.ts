import { startGateway } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { startNginx } from '../../shared/nginx.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { Recorder } from '../../shared/suite.ts';

/** Where the upstream echoes. */
export const PATH = '/ws';
/** Beyond the WebSockets: of a warm-up. */
const MORE = 400;

/** Starts a proxy that may hold so many WebSockets, idle ones for an hour. */
export interface WebSocketProxy {
  readonly name: string;
  start(sockets: number): Promise<Subject>;
}

/** The gateway, HAProxy and nginx, those that are installed; each passes WebSockets on as its documentation has it. */
export function webSocketProxies(
  place: SubjectContext,
  record: Recorder,
  env: Readonly<Record<string, string>> = {},
): WebSocketProxy[] {
  const gateway: WebSocketProxy = {
    name: 'gateway',
    async start(sockets) {
      const most = String(sockets + MORE);
      // The other front has no WebSockets.
      const own = { FRONT: 'native', MAX_CONNECTIONS: most, WEBSOCKET_MAX_CONNECTIONS: most };
      return subjectOf('gateway', await startGateway(place, { env: { ...own, ...env } }));
    },
  };
  const peers = [
    { name: 'HAProxy', program: findProgram('haproxy'), start: startTunnelling },
    { name: 'nginx', program: findProgram('nginx'), start: startUpgrading },
  ] as const;
  const installed = peers.flatMap(({ name, program, start }): WebSocketProxy[] => {
    if (program === undefined) {
      record.note(`${name} is not installed and left out: apt-get install ${name.toLowerCase()}.`);
      return [];
    }
    record.tool(name, versionOf(program));
    return [{ name, start: (sockets) => start(program, place, sockets + MORE) }];
  });
  return [gateway, ...installed];
}

async function startTunnelling(program: string, place: SubjectContext, maxConnections: number): Promise<Subject> {
  const extras = { maxConnections, defaults: '  timeout tunnel 1h\n' };
  return subjectOf('HAProxy', await startHaproxy(program, place, extras));
}

async function startUpgrading(program: string, place: SubjectContext, sockets: number): Promise<Subject> {
  // Of clients and to the upstream together, and it keeps a sixteenth free.
  const maxConnections = Math.ceil(sockets * 2.5);
  const extras = { main: '', http: '', location: '', webSockets: true, maxConnections } as const;
  return subjectOf('nginx', await startNginx(program, place, extras));
}
