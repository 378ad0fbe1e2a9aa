import { lookup } from 'node:dns/promises';
import type { Config, UpstreamConfig } from '../../shared/config/types.ts';
import { inspectLocalPorts } from '../../shared/net/local-ports.ts';
import { count } from '../output/quantities.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

/** Ports of this machine for connections to one target. */
export interface TargetPorts {
  /** Such as `http://10.0.0.1:8080`. */
  readonly target: string;
  readonly taken: number;
  /** That there are. */
  readonly most: number;
  /** What the gateway may take at most. */
  readonly needed: number;
}

/** From this share on it is said. */
const MANY = 0.8;

export function judgeLocalPorts(upstream: string, { target, taken, most, needed }: TargetPorts): Finding {
  const check = `local ports ${upstream}`;
  const left = Math.max(0, most - taken);
  const found = `${target}: ${count(left)} of ${count(most)} left; the gateway may need ${count(needed)}`;
  const advice =
    'Widen net.ipv4.ip_local_port_range, give the target more addresses, lower UPSTREAM_CONNECTIONS, or raise ' +
    'UPSTREAM_IDLE_TIMEOUT_SECONDS (with what the upstream waits) so that fewer connections are opened and closed.';
  if (left === 0) return fail(check, found, `No connection can be opened. ${advice}`);
  return needed > most || taken >= MANY * most ? warn(check, found, advice) : ok(check, found);
}

/** What is left for each target; nothing where the machine does not say, or a name does not resolve. */
export async function checkLocalPorts({
  server,
  upstreams,
}: Pick<Config, 'server' | 'upstreams'>): Promise<readonly Finding[]> {
  const ports = inspectLocalPorts();
  if (ports === undefined) return [];
  const { range, taken } = ports;
  const ofTarget = async (
    upstream: UpstreamConfig,
    target: UpstreamConfig['targets'][number],
  ): Promise<readonly Finding[]> => {
    const found = await lookup(target.host, { all: true }).catch(() => []);
    const addresses = [...new Set(found.map(({ address }) => address))];
    if (addresses.length === 0) return [];
    const inUse = addresses.reduce((sum, address) => sum + (taken.get(`${address}:${target.port}`) ?? 0), 0);
    return [
      judgeLocalPorts(upstream.name, {
        target: target.origin,
        taken: inUse,
        most: range.count * addresses.length,
        needed: upstream.connections * server.workers,
      }),
    ];
  };
  const all = await Promise.all(upstreams.flatMap((each) => each.targets.map((target) => ofTarget(each, target))));
  return all.flat();
}
