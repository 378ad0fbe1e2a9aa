import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseLoadTool } from './load/run.ts';
import type { LoadToolName } from './load/run.ts';
import { chooseCores, describeMachine } from './machine.ts';
import type { Cores, Machine } from './machine.ts';
import { Processes } from './processes.ts';

/** What a suite runs in: its processes, its temporary folder, and how the machine is shared out. */
export interface Session {
  readonly processes: Processes;
  readonly folder: string;
  readonly machine: Machine;
  readonly cores: Cores;
  readonly tool: LoadToolName;
}

export interface OpenSession extends Session {
  /** Ends every process and removes the folder. */
  close(): Promise<void>;
}

/**
 * Opens a session that leaves nothing behind, however the process ends (but for SIGKILL).
 * @throws Error when the load tool that is asked for is not installed
 */
export function openSession(name: string, load?: LoadToolName): OpenSession {
  const tool = chooseLoadTool(load);
  const processes = new Processes();
  const folder = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const machine = describeMachine();
  const atExit = (): void => {
    processes.killAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', atExit);
  return {
    processes,
    folder,
    machine,
    cores: chooseCores(machine),
    tool,
    async close() {
      await processes.stopAll();
      process.off('exit', atExit);
      atExit();
    },
  };
}
