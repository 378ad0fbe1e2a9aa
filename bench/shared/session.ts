import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseLoadTool } from './load.ts';
import type { LoadTool } from './load.ts';
import { chooseCores, describeMachine } from './machine.ts';
import type { Cores, Machine } from './machine.ts';
import { Processes, whenReady } from './processes.ts';

/** What a suite runs in: its processes, its temporary folder, and how the machine is shared out. */
export interface Session {
  readonly processes: Processes;
  readonly folder: string;
  readonly machine: Machine;
  readonly cores: Cores;
  readonly tool: LoadTool;
}

/** Opens a session that leaves nothing behind, however the process ends (but for SIGKILL). */
export function openSession(name: string): Session {
  const processes = new Processes();
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  process.once('exit', () => {
    processes.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const machine = describeMachine();
  return { processes, folder, machine, cores: chooseCores(machine), tool: chooseLoadTool(folder) };
}

/** Starts the upstream on the core of the load; its port. */
export async function startUpstream({ processes, cores }: Session): Promise<number> {
  const entry = fileURLToPath(new URL('./upstream.js', import.meta.url));
  const started = processes.start({ name: 'upstream', command: [process.execPath, entry], ipc: true }, cores.load);
  let port: number | undefined;
  started.child.once('message', (message) => (port = (message as { port: number }).port));
  return whenReady(started, () => port);
}

/** Prints where the numbers come from. */
export function printSession({ machine, cores }: Session, others: string): void {
  const { cpu, cores: count, memoryGiB, kernel, loadBefore } = machine;
  console.log(`machine: ${cpu}, ${count} cores, ${memoryGiB} GiB, Linux ${kernel}, load before ${loadBefore}`);
  console.log(
    cores.subject === undefined
      ? 'not pinned (needs taskset and two cores): subjects and load disturb each other'
      : `pinned: subject on core ${cores.subject}, ${others} on core ${cores.load}`,
  );
}

/** Runs a suite to the end of the process: exit code 0, or 1 when it returns false or throws. */
export async function runSuite(name: string, run: () => Promise<boolean>): Promise<never> {
  let code = 1;
  try {
    code = (await run()) ? 0 : 1;
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  process.exit(code);
}
