import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import type { SubjectContext } from '../../shared/gateway.ts';
import { whenReady } from '../../shared/processes.ts';
import type { Started } from '../../shared/processes.ts';
import { startRedis } from '../../shared/redis.ts';
import type { Session } from '../../shared/session.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { PATH } from './cases.ts';
import { startLimited, startUnlimited } from './subjects.ts';

/** Short blocks, many of them: what changes on the machine meets all three alike. */
const USUAL = { warmUpRequests: 3000, blockRequests: 500, blocks: 20 };
const MINIATURE = { warmUpRequests: 20, blockRequests: 20, blocks: 2 };

/** One connection, one request at a time: how much later a request is for being limited, against one round trip to Redis. */
export async function measureLone({ session, record, options }: SuiteContext, context: SubjectContext): Promise<void> {
  const title = 'a lone request (goal: limited, at most 200 µs beyond one round trip to Redis)';
  record.progress(title);
  const redis = await startRedis(session);
  const limited = await startLimited(context, redis, { clientBy: 'ip' });
  const unlimited = await startUnlimited(context, redis);
  const { load, subject } = session.cores;
  const probes = [
    await startProbe(session, httpProbe(limited), load),
    await startProbe(session, httpProbe(unlimited), load),
    await startProbe(session, { port: redis.port, request: 'PING\r\n', answerEnd: '+PONG\r\n' }, subject),
  ];
  const { warmUpRequests, blockRequests, blocks } = options.miniature ? MINIATURE : USUAL;
  for (const probe of probes) await medianOf(probe, warmUpRequests);
  const seen: [limited: number, unlimited: number, ping: number][] = [];
  for (let block = 0; block < blocks; block++) {
    const medians: number[] = [];
    for (const probe of probes) medians.push(await medianOf(probe, blockRequests));
    const [limitedUs = 0, unlimitedUs = 0, pingUs = 0] = medians;
    seen.push([limitedUs, unlimitedUs, pingUs]);
  }
  const measured = (subject: string, samples: number[], metric = 'round-trip'): void =>
    record.measure({ case: title, subject, metric, unit: 'µs', better: 'lower', samples });
  measured(
    limited.name,
    seen.map(([us]) => us),
  );
  measured(
    unlimited.name,
    seen.map(([, us]) => us),
  );
  measured(
    'PING to Redis',
    seen.map(([, , us]) => us),
  );
  measured(
    limited.name,
    seen.map(([limitedUs, unlimitedUs]) => limitedUs - unlimitedUs),
    'added-by-limit',
  );
  measured(
    limited.name,
    seen.map(([limitedUs, unlimitedUs, pingUs]) => limitedUs - unlimitedUs - pingUs),
    'added-beyond-round-trip',
  );
  await Promise.all(probes.map((probe) => probe.stop()));
  await stopSubject({ ...unlimited, redis: undefined }); // the Redis is the other one's as well
  await stopSubject(limited);
}

interface ProbeSpec {
  readonly port: number;
  readonly request: string;
  readonly answerEnd: string;
}

/** The upstream's small answer is the only thing that ends so. */
function httpProbe({ url }: Subject): ProbeSpec {
  const { host, port, pathname } = new URL(url + PATH);
  return { port: Number(port), request: `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, answerEnd: '}\n' };
}

async function startProbe(session: Session, spec: ProbeSpec, core: number | undefined): Promise<Started> {
  const entry = fileURLToPath(new URL('./probe.js', import.meta.url));
  const command = [process.execPath, entry, String(spec.port), spec.request, spec.answerEnd] as const;
  const probe = session.processes.start({ name: 'probe', command, ipc: true }, core);
  let ready: true | undefined;
  probe.child.once('message', () => (ready = true));
  await whenReady(probe, () => ready);
  return probe;
}

/** @throws Error when the probe ends instead of answering */
async function medianOf(probe: Started, count: number): Promise<number> {
  const answer = once(probe.child, 'message') as Promise<[{ medianUs: number }]>;
  probe.child.send({ count });
  const seen = await Promise.race([answer, probe.exited]);
  if (seen === undefined) throw probe.failure('ended');
  return seen[0].medianUs;
}
