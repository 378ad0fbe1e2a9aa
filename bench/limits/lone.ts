import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { whenReady } from '../shared/processes.ts';
import type { Started } from '../shared/processes.ts';
import type { Session } from '../shared/session.ts';
import { PATH } from './cases.ts';
import type { BenchRedis } from './redis.ts';
import type { Subject } from './subjects.ts';

/** Medians of one block of sequential requests each, taken right after one another. */
export interface LoneBlock {
  /** A request through the gateway, limited with Redis. */
  readonly limitedUs: number;
  readonly unlimitedUs: number;
  /** PING to the same Redis, from the core the gateway is on. */
  readonly pingUs: number;
}

export interface LoneSubjects {
  readonly limited: Subject;
  readonly unlimited: Subject;
  readonly redis: BenchRedis;
}

const WARM_UP_REQUESTS = 3000;
const BLOCK_REQUESTS = 500;

/** Sequential requests over one connection to each, in alternating blocks. */
export async function measureLone(
  session: Session,
  { limited, unlimited, redis }: LoneSubjects,
  blocks: number,
): Promise<LoneBlock[]> {
  const { load, subject } = session.cores;
  const probes = [
    await startProbe(session, httpProbe(limited), load),
    await startProbe(session, httpProbe(unlimited), load),
    await startProbe(session, { port: redis.port, request: 'PING\r\n', answerEnd: '+PONG\r\n' }, subject),
  ];
  const seen: LoneBlock[] = [];
  for (const probe of probes) await medianOf(probe, WARM_UP_REQUESTS);
  for (let block = 0; block < blocks; block++) {
    const medians: number[] = [];
    for (const probe of probes) medians.push(await medianOf(probe, BLOCK_REQUESTS));
    const [limitedUs = Number.NaN, unlimitedUs = Number.NaN, pingUs = Number.NaN] = medians;
    seen.push({ limitedUs, unlimitedUs, pingUs });
  }
  await Promise.all(probes.map((probe) => probe.stop()));
  return seen;
}

interface ProbeSpec {
  readonly port: number;
  readonly request: string;
  readonly answerEnd: string;
}

/** The upstream's small answer is the only thing that ends so. */
const httpProbe = ({ port, prefix }: Subject): ProbeSpec => ({
  port,
  request: `GET ${prefix}${PATH} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
  answerEnd: '}\n',
});

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
