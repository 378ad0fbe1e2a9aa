/**
 * `npm run bench:cost`: what a proxied request costs in CPU, compared with HAProxy and nginx in one alternating run.
 * Needs Linux (/proc). Everything it starts it ends, whatever happens.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COST_CASES } from './cases.ts';
import type { CostCase } from './cases.ts';
import { chooseLoadTool } from './load.ts';
import { chooseCores, describeMachine } from './machine.ts';
import { measure, verify, warmUp } from './measure.ts';
import type { Bench, Measurement } from './measure.ts';
import { readOptions } from './options.ts';
import { findProgram, Processes, whenReady } from './processes.ts';
import { readThreadProfiles, selfTimes } from './profile.ts';
import { caseReport, profileReport, ratioTo } from './report.ts';
import { startGateway, startSubject } from './subjects.ts';
import type { Subject, SubjectContext } from './subjects.ts';

const WARM_UP_SECONDS = 3;

const options = readOptions(process.argv);
const cases = COST_CASES.filter((each) => options.only.includes(each.name));
const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'bench-cost-'));
process.once('exit', () => {
  processes.killAll();
  rmSync(folder, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const machine = describeMachine();
const cores = chooseCores(machine);
const tool = chooseLoadTool(folder);
const bench: Bench = { processes, tool, loadCore: cores.load, connections: options.connections };

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  console.error(`bench:cost: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
process.exit();

/** False when a run had errors. */
async function run(): Promise<boolean> {
  const context: SubjectContext = { processes, upstreamPort: await startUpstream(), folder, core: cores.subject };
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

async function startUpstream(): Promise<number> {
  const entry = fileURLToPath(new URL('./upstream.js', import.meta.url));
  const started = processes.start({ name: 'upstream', command: [process.execPath, entry], ipc: true }, cores.load);
  let port: number | undefined;
  started.child.once('message', (message) => (port = (message as { port: number }).port));
  return whenReady(started, () => port);
}

/** Runs the gateway once more with V8's sampling profiler on every thread, under the load of the first case. */
async function profile(context: SubjectContext): Promise<void> {
  const [costCase] = cases;
  if (costCase === undefined) return;
  const out = fileURLToPath(new URL('../../../bench/out/profile', import.meta.url));
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const subject = await startGateway(context, ['--cpu-prof', `--cpu-prof-dir=${out}`]);
  await warmUp(bench, { subject, costCase }, options.seconds);
  await subject.process.stop();
  console.log(`\nprofile of ${costCase.title}; the files, for a browser's developer tools: ${out}`);
  console.log(profileReport(selfTimes(readThreadProfiles(out))));
}

function printFacts(subjects: readonly Subject[]): void {
  const { cpu, cores: count, memoryGiB, kernel, loadBefore } = machine;
  console.log(`machine: ${cpu}, ${count} cores, ${memoryGiB} GiB, Linux ${kernel}, load before ${loadBefore}`);
  console.log(
    cores.subject === undefined
      ? 'not pinned (needs taskset and two cores): subjects and load disturb each other'
      : `pinned: subject on core ${cores.subject}, load and upstream on core ${cores.load}`,
  );
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
