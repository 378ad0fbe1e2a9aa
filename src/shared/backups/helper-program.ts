import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';

/**
 * Keeps the program from outliving us, however we end, also while it is halted: the shell becomes the program, and its child
 * waits for the end of a pipe that only we hold. A line on it says that the program has ended already. The end of what the
 * shell holds as 3 says that this child is there.
 */
const GUARD =
  'exec 4<&0; { read -r line <&4 || kill -9 $$; } >/dev/null 2>&1 3>&- & exec 3>&-; exec "$@" </dev/null 4<&-';
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
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.on('error', () => {}); // the guard is gone already
  child.once('exit', () => child.stdin.end('ended\n'));
  // Not before it is guarded: a shell that is halted before it has made its guard would stay when we are killed.
  whenGuarded(child, () => {
    yieldToAll(child);
    if (cpuShare < 1) keepShare(child, cpuShare);
  });
  return child;
}

function whenGuarded(child: ChildProcess, then: () => void): void {
  const guarded = child.stdio[3];
  if (!(guarded instanceof Readable)) return; // nothing was started
  guarded.on('error', () => {});
  guarded.once('end', () => {
    if (child.exitCode === null && child.signalCode === null) then();
  });
  guarded.resume();
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
