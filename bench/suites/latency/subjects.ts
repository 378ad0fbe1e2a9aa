import { subjectContext } from '../../shared/gateway.ts';
import { startHaproxy } from '../../shared/haproxy.ts';
import { findProgram, versionOf } from '../../shared/processes.ts';
import { startRedis } from '../../shared/redis.ts';
import { subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { originOf } from '../../shared/upstream-process.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import { startLimited, startUnlimited } from '../limits/subjects.ts';

export const REQUEST = { name: 'latency', method: 'GET', requestBody: undefined } as const;
export const PATH = '/ok';

export const LIMITED = 'gateway, limits on';
export const UNLIMITED = 'gateway, limits off';
export const PEER = 'HAProxy';
/** No proxy at all: what the generator and the upstream add themselves. */
export const DIRECT = 'direct';

export interface LatencySubjects {
  /** The load levels are shares of what these can do. */
  readonly gateways: readonly Subject[];
  readonly others: readonly Subject[];
}

/** The gateway with limits on (one client that is never refused) and off, each with a Redis; HAProxy where it is installed. */
export async function startSubjects(context: SuiteContext, upstream: Upstream): Promise<LatencySubjects> {
  const { session, record } = context;
  const place = subjectContext(session, upstream);
  const off = await startUnlimited(place, await startRedis(session));
  const on = await startLimited(place, await startRedis(session), { clientBy: 'ip' });
  const gateways = [
    { ...off, name: UNLIMITED },
    { ...on, name: LIMITED },
  ];
  const processes = upstream.process === undefined ? [] : [upstream.process];
  const direct = { name: DIRECT, url: originOf(upstream), processes };
  const program = findProgram('haproxy');
  if (program === undefined) {
    record.note('HAProxy is not installed and left out.');
    return { gateways, others: [direct] };
  }
  record.tool('HAProxy', versionOf(program));
  return { gateways, others: [subjectOf(PEER, await startHaproxy(program, place)), direct] };
}
