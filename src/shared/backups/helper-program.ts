import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';

/**
 * Keeps the program from outliving us, however we end, also while it is halted: the shell becomes the program, and its child
 * waits for the end of a pipe that only we hold. A line on it says that the program has ended already.
 */
const GUARD = 'exec 3<&0; { read -r line <&3 || kill -9 $$; } >/dev/null 2>&1 & exec "$@" </dev/null 3<&-';
/** How the shell ends where there is no such program (POSIX, 2.8.2). */
export const NO_PROGRAM = 127;

/** A turn of a program that has a share of a core: it goes for that share of it, and is halted for the rest. */
const TURN_MS = 20;

export interface HelperOptions {
  /** Of one core; 1 = all that nobody else wants. */
  readonly cpuShare: number;
  readonly cwd?: string;
}

/**
 * Starts a program that works long beside a gateway that serves. It yields to everybody else on the machine, takes no more
 * than its share of a core, and goes when we go.
 *
 * @param command the program and its arguments; no shell reads them
 */
export function spawnHelper(
  command: readonly string[],
  { cpuShare, cwd }: HelperOptions,
): ChildProcessByStdio<Writable, Readable, Readable> {
  const child = spawn('/bin/sh', ['-c', GUARD, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.on('error', () => {}); // the guard is gone already
  child.once('exit', () => child.stdin.end('ended\n'));
  yieldToAll(child);
  if (cpuShare < 1) keepShare(child, cpuShare);
  return child;
}

/** SCHED_IDLE where the system has that, else the lowest priority. */
function yieldToAll({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system has no such thing: then it runs as everybody does.
  }
  spawn('chrt', ['--idle', '--pid', '0', String(pid)], { stdio: 'ignore' }).on('error', () => {});
}

/** The system's own limits of a group of processes need rights that a gateway should not have. */
function keepShare(child: ChildProcess, share: number): void {
  let goes = true;
  let timer: NodeJS.Timeout;
  const turn = (): void => {
    goes = !goes;
    if (child.kill(goes ? 'SIGCONT' : 'SIGSTOP')) timer = setTimeout(turn, TURN_MS * (goes ? share : 1 - share));
  };
  timer = setTimeout(turn, TURN_MS * share);
  child.once('exit', () => clearTimeout(timer));
}
