import { startGateway } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { originOf } from '../../shared/upstream-process.ts';
import { startUsualHaproxy, startUsualNginx } from './peers.ts';
import type { ProxyOfTargets } from './peers.ts';
import type { Target } from './target.ts';

/** A proxy that is started for each drill anew, so that none is judged by what another has left. */
export interface DrilledSubject {
  readonly name: string;
  /** One of ours: how often it repeats a request that has failed; undefined = a peer. */
  readonly retries?: number;
  start(place: SubjectContext, targets: readonly Target[]): Promise<ProxyOfTargets>;
}

/** The gateway with its defaults, without repeats and with one; HAProxy and nginx as they usually are, where they are installed. */
export function drilledSubjects({ record, options }: SuiteContext): DrilledSubject[] {
  const gateways = [0, 1].map((retries): DrilledSubject => {
    const name = retries === 0 ? 'gateway' : `gateway, RETRIES=${retries}`;
    return {
      name,
      retries,
      start(place, targets) {
        const env = { UPSTREAM_URL: targets.map(originOf).join(','), RETRIES: String(retries) };
        return startGateway(place, { workers: options.workers, env });
      },
    };
  });
  const peers = [
    { name: 'HAProxy', program: findProgram('haproxy'), begin: startUsualHaproxy },
    { name: 'nginx', program: findProgram('nginx'), begin: startUsualNginx },
  ] as const;
  const installed = peers.flatMap(({ name, program, begin }): DrilledSubject[] => {
    if (program === undefined) {
      record.note(`${name} is not installed and left out.`);
      return [];
    }
    record.tool(name, versionOf(program));
    return [{ name, start: (place, targets) => begin({ program, place, targets }) }];
  });
  return [...gateways, ...installed];
}
