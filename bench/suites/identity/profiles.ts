import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SHIPPED_PROFILES, SHIPPED_PROFILE_NAMES } from '../../../src/shared/config/identity/profiles.ts';
import { runLoad } from '../../shared/load/run.ts';
import { outages } from '../../shared/measured-run.ts';
import { startNodes } from '../../shared/nodes.ts';
import { startRedis } from '../../shared/redis.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import type { Upstream } from '../../shared/upstream-process.ts';
import { auditInWords, EXACT, judge } from '../limits/audit.ts';
import { benchKey } from './credentials.ts';

const NODES = 2;
/** Long enough for a modest machine to ask for more than the largest bucket holds. */
const SECONDS = 15;
const MINIATURE_SECONDS = 1;
/** In miniature the buckets are so much smaller. */
const MINIATURE_SHARE = 100;
const CONNECTIONS = 32;
/** @see TIMEOUT_MS in limits/audit.ts */
const TIMEOUT_MS = 1000;

/** The three profiles of the runbook under full load at once, through two nodes and two routes, each judged by its bucket. */
export async function auditProfiles({ session, record, options }: SuiteContext, upstream: Upstream): Promise<void> {
  const share = options.miniature ? MINIATURE_SHARE : 1;
  const seconds = options.miniature ? MINIATURE_SECONDS : (options.seconds ?? SECONDS);
  const callers = SHIPPED_PROFILE_NAMES.map((name) => {
    const { capacity, refillPerSecond } = SHIPPED_PROFILES[name];
    return { name, ...benchKey(name), capacity: capacity / share, refillPerSecond: refillPerSecond / share };
  });
  const file = join(session.folder, 'profiles.yaml');
  const limits = callers.map(
    ({ name, capacity, refillPerSecond: rate }) =>
      `  ${name}: { limits: [{ capacity: ${capacity}, refill_per_second: ${rate} }] }`,
  );
  const route = (path: string): string =>
    `  - { path: ${path}, strip_prefix: true, upstream: default, authenticate: [api_key] }`;
  writeFileSync(
    file,
    `profiles:\n${limits.join('\n')}\nconsumers:
${callers.map(({ name, yaml }) => `  c-${name}: { profile: ${name}, keys: [${yaml}] }`).join('\n')}
routes:\n${route('/proxy')}\n${route('/other')}\n`,
  );
  chmodSync(file, 0o600);
  const redis = await startRedis(session);
  const env = { GATEWAY_CONFIG: file, RATE_LIMIT_TIMEOUT_MILLISECONDS: String(TIMEOUT_MS) };
  const nodes = await startNodes(session, { count: NODES, redis, upstream, env });
  const urls = nodes.flatMap(({ port }) => ['proxy', 'other'].map((path) => `http://127.0.0.1:${port}/${path}`));
  const [url = '', ...moreUrls] = urls;
  const subject: Subject = { name: 'gateway', url, moreUrls, processes: nodes.map((node) => node.process), redis };
  const title = `three profiles at once on ${NODES} nodes`;
  record.progress(`${title}: demand far above each`);
  const before = outages(subject);
  const results = await Promise.all(
    callers.map(({ name, key }) =>
      runLoad(session, {
        request: { name, method: 'GET', requestBody: undefined, headers: { 'x-api-key': key }, countStatuses: true },
        url: `${url}/ok`,
        moreUrls: moreUrls.map((more) => `${more}/ok`),
        seconds,
        connections: CONNECTIONS,
      }),
    ),
  );
  const skipped = outages(subject) > before ? ['Redis was skipped for a while'] : [];
  for (const [i, caller] of callers.entries()) {
    const seen = results[i];
    if (seen === undefined) continue;
    const audit = judge(seen, caller);
    const problems = [...seen.problems, ...skipped, ...audit.problems];
    const detail = `granted ${auditInWords({ ...audit, problems })}`;
    record.check({ case: `${title}: ${caller.name}`, what: EXACT, ok: problems.length === 0, detail });
    record.progress(`${title}: ${caller.name} ${detail}`);
  }
  await stopSubject(subject);
}
