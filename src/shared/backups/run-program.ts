import { spawn } from 'node:child_process';
import { lowerPriority } from './low-priority.ts';

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
  /** Called with each piece of its output. */
  readonly onStdout?: (chunk: Buffer) => void;
}

/**
 * Runs a program to its end.
 * @param command the program and its arguments; no shell reads them
 * @returns `undefined` where there is no such program
 */
export async function runProgram(
  [program = '', ...args]: readonly string[],
  { signal, cwd, onStdout }: ProgramOptions,
): Promise<ProgramEnd | undefined> {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd }),
  });
  lowerPriority(child);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      if (name === 'stdout') onStdout?.(chunk);
      said[name] = (said[name] + chunk.toString()).slice(-KEPT_CHARACTERS);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      if (signal.aborted) reject(signal.reason instanceof Error ? signal.reason : error);
      else if ('code' in error && error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    child.once('close', (code) => resolve({ code, ...said }));
  });
}
