import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, expectBody } from '../../shared/ask.ts';
import { SMALL_BODY } from '../../shared/bodies.ts';
import { recordMeasures, recordRatio } from '../../shared/figures.ts';
import { startGateway } from '../../shared/gateway.ts';
import type { SubjectContext } from '../../shared/gateway.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext } from '../../shared/load-case.ts';
import { stopSubject, subjectOf } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import { benchKey, benchToken } from './credentials.ts';

const FIGURES = ['cpu-per-request', 'cpu-user', 'cpu-system', 'throughput', 'p50', 'p99'] as const;
const PATH = '/ok';
/** The most a credential that is known may cost of an open route. */
const TARGET = 1.12;

/** One way to call, and a route for it. */
interface Way {
  readonly name: string;
  /** Of the route; '' = open. */
  readonly authenticate: string;
}

const OPEN: Way = { name: 'open route', authenticate: '' };

/** A gateway whose `/proxy` is so; all of them know the same key and the same issuer. */
async function startWay(place: SubjectContext, { name, authenticate }: Way, identities: string): Promise<Subject> {
  const file = join(place.folder, `${name.replaceAll(' ', '-')}.yaml`);
  const route = `{ path: /proxy, strip_prefix: true, upstream: default${authenticate} }`;
  writeFileSync(file, `${identities}\nroutes: [${route}]\n`);
  chmodSync(file, 0o600);
  return subjectOf(name, await startGateway(place, { env: { GATEWAY_CONFIG: file } }));
}

/** What a credential that is known costs: the same request, once by the open route and once by one that asks. */
export async function measureCredentials(cases: CaseContext, place: SubjectContext): Promise<void> {
  const [key, token] = [benchKey('bench'), benchToken(place.folder)];
  const identities = `consumers: { bench: { keys: [${key.yaml}] } }\nissuers: { bench: ${token.yaml} }`;
  const ways = [
    { title: 'GET with an API key', method: 'api_key', headers: { 'x-api-key': key.key } },
    { title: 'GET with a token (JWT, ES256)', method: 'jwt', headers: { authorization: `Bearer ${token.token}` } },
  ] as const;
  for (const { title, method, headers } of ways) {
    const asks: Way = { name: 'route that asks', authenticate: `, authenticate: [${method}]` };
    const subjects = [await startWay(place, OPEN, identities), await startWay(place, asks, identities)];
    const request = { name: method, method: 'GET', requestBody: undefined, headers } as const;
    const verify = async (subject: Subject): Promise<void> => {
      expectBody(await ask(subject.url + PATH, { method: 'GET', headers }), SMALL_BODY);
      const without = await ask(subject.url + PATH, { method: 'GET' });
      const expected = subject.name === OPEN.name ? 200 : 401;
      if (without.status !== expected) throw new Error(`${subject.name}, no credential: ${without.status}`);
    };
    const seen = await runCase(cases, { title, request, path: PATH, subjects, verify });
    recordMeasures(cases.record, seen, FIGURES);
    const pair = { subject: asks.name, against: OPEN.name } as const;
    recordRatio(cases.record, seen, { ...pair, metric: 'cpu-per-request', target: TARGET });
    await Promise.all(subjects.map(stopSubject));
  }
}
