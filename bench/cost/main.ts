/**
 * `npm run bench:cost`: what a proxied request costs in CPU, compared with HAProxy and nginx in one alternating run.
 * Needs Linux (/proc). Everything it starts it ends, whatever happens.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startGateway } from '../shared/gateway.ts';
import type { SubjectContext } from '../shared/gateway.ts';
import { findProgram } from '../shared/processes.ts';
import { openSession, printSession, runSuite, startUpstream } from '../shared/session.ts';
import { COST_CASES } from './cases.ts';
import type { CostCase } from './cases.ts';
import { measure, verify, warmUp } from './measure.ts';
import type { Bench, Measurement } from './measure.ts';
import { readOptions } from './options.ts';
import { readThreadProfiles, selfTimes } from './profile.ts';
import { caseReport, profileReport, ratioTo } from './report.ts';
import { startSubject } from './subjects.ts';
import type { Subject } from './subjects.ts';

const WARM_UP_SECONDS = 3;

const options = readOptions(process.argv);
const cases = COST_CASES.filter((each) => options.only.includes(each.name));
const session = openSession('bench-cost');
const { processes, folder, machine, cores, tool } = session;
const bench: Bench = { processes, tool, loadCore: cores.load, connections: options.connections };

await runSuite('bench:cost', run);

/** False when a run had errors. */
async function run(): Promise<boolean> {
  const context: SubjectContext = {
    processes,
    upstreamPort: await startUpstream(session),
    folder,
    core: cores.subject,
  };
  const subjects: Subject[] = [];
  for (const name of options.subjects) {
    const subject = await startSubject(name, context);
    if (subject === undefined) console.log(`${name} is not installed and left out`);
    else subjects.push(subject);
  }
  printFacts(subjects);

  const all: Measurement[] = [];
  for (const costCase of cases) {
    const runs = await runCase(costCase, subjects);
    console.log(caseReport(costCase, runs));
    all.push(...runs);
  }
  if (options.json !== undefined) writeJson(options.json, { subjects, all });
  await Promise.all(subjects.map((subject) => subject.process.stop()));
  if (options.profile === true) await profile(context);
  return all.every((each) => each.problems.length === 0);
}

/** Rounds A B C, A B C …: whatever changes on the machine meanwhile meets all subjects alike. */
async function runCase(costCase: CostCase, subjects: readonly Subject[]): Promise<Measurement[]> {
  for (const subject of subjects) await verify({ subject, costCase });
  for (const subject of subjects) await warmUp(bench, { subject, costCase }, WARM_UP_SECONDS);
  const runs: Measurement[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const subject of subjects) {
      runs.push(await measure(bench, { subject, costCase }, { round, seconds: options.seconds }));
    }
  }
  return runs;
}

/** Runs the gateway once more with V8's sampling profiler on every thread, under the load of the first case. */
async function profile(context: SubjectContext): Promise<void> {
  const [costCase] = cases;
  if (costCase === undefined) return;
  const out = fileURLToPath(new URL('../../../bench/out/profile', import.meta.url));
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const gateway = await startGateway(context, { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${out}`] });
  const subject: Subject = { name: 'gateway', ...gateway };
  await warmUp(bench, { subject, costCase }, options.seconds);
  await subject.process.stop();
  console.log(`\nprofile of ${costCase.title}; the files, for a browser's developer tools: ${out}`);
  console.log(profileReport(selfTimes(readThreadProfiles(out))));
}

function printFacts(subjects: readonly Subject[]): void {
  printSession(session, 'load and upstream');
  console.log(`subjects: ${subjects.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
  const { seconds, rounds, connections } = options;
  console.log(`load: ${tool.name}, ${connections} keep-alive connections, ${rounds} rounds of ${seconds} s`);
  const missing = ['haproxy', 'nginx', 'wrk'].filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) console.log(`for the whole comparison: apt-get install ${missing.join(' ')}`);
}

function writeJson(file: string, seen: { subjects: readonly Subject[]; all: readonly Measurement[] }): void {
  const ratios = cases.map(({ name, target }) => {
    const runs = seen.all.filter((each) => each.costCase === name);
    return { costCase: name, target, haproxy: ratioTo('haproxy', runs), nginx: ratioTo('nginx', runs) };
  });
  const { seconds, rounds, connections } = options;
  const versions = Object.fromEntries(seen.subjects.map(({ name, version }) => [name, version]));
  const setting = { load: tool.name, seconds, rounds, connections, cores };
  writeFileSync(
    file,
    `${JSON.stringify({ machine, versions, setting, ratios, measurements: seen.all }, undefined, 2)}\n`,
  );
  console.log(`\nwritten: ${file}`);
}
