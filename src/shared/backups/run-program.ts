import { spawn } from 'node:child_process';
import { NO_PROGRAM, spawnHelper } from './helper-program.ts';

/** What is kept of each of its outputs: programs that go wrong can be talkative. */
const KEPT_CHARACTERS = 64 * 1024;

export interface ProgramEnd {
  /** `null`: a signal ended it. */
  readonly code: number | null;
  /** The end of what it said. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly signal: AbortSignal;
  readonly cwd?: string;
  /** Of one core, for a program that works long; without it, it runs as everybody does. */
  readonly cpuShare?: number;
  /** Called with each piece of its output. */
  readonly onStdout?: (chunk: Buffer) => void;
}

/**
 * Runs a program to its end.
 * @param command the program and its arguments; no shell reads them
 * @returns `undefined` where there is no such program
 */
export async function runProgram(
  command: readonly string[],
  { signal, cwd, cpuShare, onStdout }: ProgramOptions,
): Promise<ProgramEnd | undefined> {
  signal.throwIfAborted();
  const [program = '', ...args] = command;
  const where = cwd === undefined ? {} : { cwd };
  const child =
    cpuShare === undefined
      ? spawn(program, args, { ...where, stdio: ['ignore', 'pipe', 'pipe'] })
      : spawnHelper(command, { ...where, cpuShare });
  const abort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      if (name === 'stdout') onStdout?.(chunk);
      said[name] = (said[name] + chunk.toString()).slice(-KEPT_CHARACTERS);
    });
  }
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (error) => {
        if ('code' in error && error.code === 'ENOENT') resolve(undefined);
        else reject(error);
      });
      child.once('close', (code) => {
        if (signal.aborted) reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        else resolve(cpuShare !== undefined && code === NO_PROGRAM ? undefined : { code, ...said });
      });
    });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
