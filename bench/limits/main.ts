/**
 * `npm run bench:limits`: what a rate limit shared through Redis costs in CPU, gateway and Redis together, compared with
 * nginx + Lua + Redis in one alternating run; what it adds to a lone request; and whether it is exact.
 * Needs Linux (/proc) and redis-server. Everything it starts it ends, whatever happens.
 */
import { writeFileSync } from 'node:fs';
import type { SubjectContext } from '../shared/gateway.ts';
import { openSession, printSession, runSuite, startUpstream } from '../shared/session.ts';
import { audit } from './audit.ts';
import type { Audit } from './audit.ts';
import { LIMIT_CASES } from './cases.ts';
import type { LimitCase, PartName } from './cases.ts';
import { measureLone } from './lone.ts';
import type { LoneBlock } from './lone.ts';
import { load, measure, verify } from './measure.ts';
import type { Measurement, Run } from './measure.ts';
import { readOptions } from './options.ts';
import { startRedis, stopRedis } from './redis.ts';
import { auditReport, caseReport, loneReport, ratioToPeer } from './report.ts';
import {
  findNginxLua,
  INSTALL_PEER,
  keyEnv,
  startLimitedGateway,
  startNginxLua,
  startUnlimitedGateway,
} from './subjects.ts';
import type { Subject } from './subjects.ts';

const WARM_UP_SECONDS = 3;
/** Short blocks, many of them: what changes on the machine meets all three alike. */
const LONE_BLOCKS_PER_ROUND = 4;

const options = readOptions(process.argv);
const { seconds, rounds, connections } = options;
const session = openSession('bench-limits');
const hasPeer = findNginxLua() !== undefined;

await runSuite('bench:limits', run);

/** False when a run had errors or the audit failed. */
async function run(): Promise<boolean> {
  const { processes, folder, cores } = session;
  const context: SubjectContext = {
    processes,
    upstreamPort: await startUpstream(session),
    folder,
    core: cores.subject,
  };
  printFacts();
  const all: Measurement[] = [];
  for (const limitCase of LIMIT_CASES.filter(({ name }) => wanted(name))) {
    const runs = await runCase(limitCase, context);
    console.log(caseReport(limitCase, runs));
    all.push(...runs);
  }
  const lone = wanted('lone') ? await runLone(context) : [];
  if (lone.length > 0) console.log(loneReport(lone));
  const audited = wanted('audit') ? await runAudit(context) : undefined;
  if (audited !== undefined) console.log(auditReport(audited));
  if (options.json !== undefined) writeJson(options.json, { all, lone, audited });
  return all.every(({ problems }) => problems.length === 0) && (audited?.problems.length ?? 0) === 0;
}

/** Only wrk can send many clients' requests and count refusals. */
function wanted(part: PartName): boolean {
  if (!options.only.includes(part)) return false;
  return session.tool.name === 'wrk' || (part !== 'many-keys' && part !== 'audit');
}

/** Rounds A B, A B …, each subject with a Redis of its own. */
async function runCase(limitCase: LimitCase, context: SubjectContext): Promise<Measurement[]> {
  const { clientBy, name: part } = limitCase;
  const subjects: Subject[] = [await startLimitedGateway(context, await startRedis(session), keyEnv(clientBy))];
  if (hasPeer) subjects.push(await startNginxLua(context, await startRedis(session), clientBy));
  const runOf = (subject: Subject): Run => ({ subject, request: limitCase, seconds, connections });
  for (const subject of subjects) await verify(subject);
  for (const subject of subjects) await load(session, { ...runOf(subject), seconds: WARM_UP_SECONDS });
  const runs: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) runs.push(await measure(session, runOf(subject), { part, round }));
  }
  await stopAll(subjects);
  return runs;
}

async function runLone(context: SubjectContext): Promise<LoneBlock[]> {
  const redis = await startRedis(session);
  const limited = await startLimitedGateway(context, redis, keyEnv('ip'));
  const unlimited = await startUnlimitedGateway(context, redis);
  await verify(limited);
  await verify(unlimited, false);
  const blocks = await measureLone(session, { limited, unlimited, redis }, rounds * LONE_BLOCKS_PER_ROUND);
  await unlimited.process.stop();
  await stopAll([limited]);
  return blocks;
}

async function runAudit(context: SubjectContext): Promise<Audit> {
  const redis = await startRedis(session);
  const seen = await audit(session, context, { redis, connections });
  await stopRedis(redis);
  return seen;
}

async function stopAll(subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) {
    await subject.process.stop();
    await stopRedis(subject.redis);
  }
}

function printFacts(): void {
  printSession(session, 'Redis, load and upstream');
  console.log(`load: ${session.tool.name}, ${connections} keep-alive connections, ${rounds} rounds of ${seconds} s`);
  if (!hasPeer) console.log(`nginx with Lua is not installed, so there is no ratio: ${INSTALL_PEER}`);
  if (session.tool.name !== 'wrk') console.log('without wrk, many-keys and audit are left out: apt-get install wrk');
}

interface Seen {
  readonly all: readonly Measurement[];
  readonly lone: readonly LoneBlock[];
  readonly audited: Audit | undefined;
}

function writeJson(file: string, { all, lone, audited }: Seen): void {
  const ratios = LIMIT_CASES.map(({ name, target }) => {
    return { part: name, target, ratio: ratioToPeer(all.filter(({ part }) => part === name)) };
  });
  const setting = { load: session.tool.name, seconds, rounds, connections, cores: session.cores };
  const { machine } = session;
  const content = { machine, setting, ratios, measurements: all, lone, audit: audited };
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  console.log(`\nwritten: ${file}`);
}
