import { startGateway } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { startNginx } from '../../shared/nginx.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import type { Started } from '../../shared/processes.ts';
import type { SuiteContext } from '../../shared/suite.ts';

/** A proxy that is started for each way anew, so that none is judged by what another has left. */
export interface Neighbourhood {
  readonly name: string;
  start(): Promise<{ readonly port: number; readonly prefix: string; readonly process: Started }>;
}

export const GATEWAY = 'gateway';

/** The gateway with its defaults but for the rate limit, which would refuse the good ones too; nginx and HAProxy where they are installed. */
export function neighbourhoods({ record, options }: SuiteContext, place: SubjectContext): Neighbourhood[] {
  const gateway = { name: GATEWAY, start: () => startGateway(place, { workers: options.workers }) };
  const peers = [
    { name: 'nginx', program: findProgram('nginx'), start: (program: string) => startNginx(program, place) },
    { name: 'HAProxy', program: findProgram('haproxy'), start: (program: string) => startHaproxy(program, place) },
  ] as const;
  const installed = peers.flatMap(({ name, program, start }): Neighbourhood[] => {
    if (program === undefined) {
      record.note(`${name} is not installed and left out.`);
      return [];
    }
    record.tool(name, versionOf(program));
    return [{ name, start: () => start(program) }];
  });
  return [gateway, ...installed];
}
