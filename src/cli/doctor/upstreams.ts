import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { withoutEndDot } from '../../shared/config/addresses.ts';
import type { TargetConfig, UpstreamConfig } from '../../shared/config/types.ts';
import { reasonOf } from '../command-failure.ts';
import type { CliIo } from '../io.ts';
import { milliseconds } from '../output/quantities.ts';
import { timedRequest } from '../probe/request.ts';
import { fail, ok, warn } from './finding.ts';
import type { Finding } from './finding.ts';

const TIMEOUT_MS = 5_000;

/** Whether each target's name resolves, it connects, and it answers a GET; every answer of HTTP counts as one. */
export const checkUpstreams = (io: CliIo, upstreams: readonly UpstreamConfig[]): Promise<readonly Finding[]> =>
  Promise.all(upstreams.flatMap((upstream) => upstream.targets.map((target) => checkTarget(io, { upstream, target }))));

async function checkTarget(
  io: CliIo,
  { upstream, target }: { upstream: UpstreamConfig; target: TargetConfig },
): Promise<Finding> {
  const check = `upstream ${upstream.name}`;
  const where = `${target.origin}${target.basePath}`;
  if (isIP(target.host) === 0) {
    const problem = await lookup(target.host).then(
      () => undefined,
      (error: unknown) => reasonOf(error),
    );
    if (problem !== undefined) {
      return fail(
        check,
        `${where}: ${target.host} does not resolve (${problem})`,
        'Check the name, and the DNS of this machine.',
      );
    }
  }
  const { caFile, verify } = upstream.tls;
  const serverName = upstream.tls.serverName ?? (target.host.endsWith('.') ? withoutEndDot(target.host) : undefined);
  const outcome = await timedRequest({
    url: new URL(`${where}/`),
    method: 'GET',
    timeoutMs: TIMEOUT_MS,
    keepBytes: 0,
    tls: {
      rejectUnauthorized: verify,
      ...(caFile === undefined ? {} : { ca: io.readFile(caFile) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  });
  if (!outcome.ok) {
    const { connectMs } = outcome.timings;
    const advice =
      connectMs === undefined
        ? 'Start it, or check its address, its port, its certificate and what firewalls let through.'
        : 'It takes connections but does not answer: see its log and load.';
    return fail(check, `${where}: ${reasonOf(outcome.error)}`, advice);
  }
  const { status, timings } = outcome.answer;
  const connected = milliseconds(timings.connectMs ?? 0);
  const found = `${where}: connects in ${connected}, answers ${status} in ${milliseconds(timings.totalMs)}`;
  return status < 500 ? ok(check, found) : warn(check, found, `It fails by itself: see its log.`);
}
