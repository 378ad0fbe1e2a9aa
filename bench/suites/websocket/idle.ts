import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { SubjectContext } from '../../shared/gateway.ts';
import { runLoad } from '../../shared/load/run.ts';
import { treeMemory } from '../../shared/memory.ts';
import { settingsOf } from '../../shared/settings.ts';
import { stopSubject } from '../../shared/subject.ts';
import type { Subject } from '../../shared/subject.ts';
import type { SuiteContext } from '../../shared/suite.ts';
import { startHolder } from '../connections/holder.ts';
import type { Holder } from '../connections/holder.ts';
import type { HolderReport, ToHolder } from '../connections/messages.ts';
import { openFilesOf, portsPerAddress } from '../connections/steps.ts';
import { recordIdle } from './idle-findings.ts';
import type { IdleLooks } from './idle-findings.ts';
import { PATH, webSocketProxies } from './subjects.ts';
import type { WebSocketProxy } from './subjects.ts';

const SOCKETS = 5_000;
const MINIATURE_SOCKETS = 50;
/** Descriptors that are left for everything but the sockets; a proxy needs two for each of those. */
const SPARE_FILES = 500;
const SAMPLED = 200;
/** V8 gives memory of a burst back after some ten seconds of quiet. */
const SETTLE_MS = 20_000;
const MINIATURE_SETTLE_MS = 200;
const HOLDER = new URL('./holder-child.js', import.meta.url);
const GARBAGE = new URL('../connections/collect-garbage.js', import.meta.url);

interface IdlePlan {
  readonly sockets: number;
  readonly settleMs: number;
  readonly warmUpSeconds: number;
}

/** How much memory an idle WebSocket takes: of fresh processes, with so many and without, in every round. */
export async function measureIdle({ session, record, options }: SuiteContext, place: SubjectContext): Promise<void> {
  const { rounds } = settingsOf(options, { rounds: 3 });
  if (options.cases?.every((name) => name === 'idle') === true) record.method({ rounds });
  const openFiles = openFilesOf(readFileSync('/proc/self/limits', 'latin1'));
  const ports = portsPerAddress(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1'));
  const wanted = options.miniature ? MINIATURE_SOCKETS : SOCKETS;
  const sockets = Math.min(wanted, Math.floor((openFiles - SPARE_FILES) / 2), ports);
  if (sockets < 1) throw new Error(`${openFiles} open files are too few to hold WebSockets (ulimit -n)`);
  if (sockets < wanted)
    record.note(`${sockets} instead of ${wanted} idle WebSockets: ${openFiles} open files (ulimit -n).`);
  // Every thread collects its garbage, which it does not do by itself when nothing happens: what sockets hold is asked.
  const proxies = webSocketProxies(place, record, { NODE_OPTIONS: `--import=${GARBAGE.href}` });
  const plan: IdlePlan = options.miniature
    ? { sockets, settleMs: MINIATURE_SETTLE_MS, warmUpSeconds: 0.2 }
    : { sockets, settleMs: SETTLE_MS, warmUpSeconds: 2 };
  const seen: IdleLooks[] = [];
  for (let round = 1; round <= rounds; round++) {
    const looks = await holdAll({ session, record, options }, proxies, plan);
    seen.push(...looks);
    const each = looks.map((one) => `${one.subject} ${Math.round((one.holding - one.before) / sockets)} B`);
    record.progress(`${sockets} idle WebSockets, round ${round} of ${rounds}: ${each.join(', ')} each`);
  }
  recordIdle(record, seen, sockets);
}

interface Started {
  readonly subject: Subject;
  readonly holder: Holder;
}

/** All subjects side by side, as idle ones do not disturb; one after the other they are warmed up and loaded. */
async function holdAll(
  { session }: SuiteContext,
  proxies: readonly WebSocketProxy[],
  { sockets, settleMs, warmUpSeconds }: IdlePlan,
): Promise<IdleLooks[]> {
  const all: Started[] = [];
  for (const proxy of proxies) {
    const subject = await proxy.start(sockets);
    const url = subject.url + PATH;
    const websocket = { messageBytes: 64, messages: 1 };
    const request = { name: 'warm-up', method: 'GET', requestBody: undefined, websocket } as const;
    await runLoad(session, { request, url, seconds: warmUpSeconds, connections: 32 });
    const { hostname: host, port, pathname: path } = new URL(url);
    const holder = startHolder(session, { host, port: Number(port), path, perAddress: sockets }, HOLDER);
    all.push({ subject, holder });
  }
  const look = (): number[] => all.map(({ subject }) => treeMemory(subject.processes[0]?.pid ?? 0).rssBytes);
  const inTurn = async (order: ToHolder): Promise<HolderReport[]> => {
    const reports: HolderReport[] = [];
    for (const { holder } of all) reports.push(await holder.obey(order));
    return reports;
  };
  await delay(settleMs);
  const quiet = look();
  await delay(settleMs / 2);
  const before = look();
  const opened = await inTurn({ type: 'open', count: sockets });
  await delay(settleMs);
  const holding = look();
  const sampled = await inTurn({ type: 'sample', count: Math.min(SAMPLED, sockets) });
  await inTurn({ type: 'close' });
  await delay(settleMs);
  const after = look();
  await Promise.all(all.flatMap(({ holder, subject }) => [holder.stop(), stopSubject(subject)]));
  return all.flatMap(({ subject: { name } }, i): IdleLooks[] => {
    const [q, b, h, a, o, s] = [quiet[i], before[i], holding[i], after[i], opened[i], sampled[i]];
    if (q === undefined || b === undefined || h === undefined || a === undefined) return [];
    if (o === undefined || s === undefined) return [];
    return [{ subject: name, quiet: q, before: b, holding: h, after: a, opened: o, sampled: s }];
  });
}
