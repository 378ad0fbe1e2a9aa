import type { ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/*
 * Programs that a backup starts beside a gateway that serves: they take what nobody else on the machine wants, and no more
 * than a share of a core, which counts where a container has a quota of its own.
 */

/** One turn of work and rest. Longer would be noticed; shorter wakes the front more often for nothing. */
const TURN_MS = 60;

/**
 * The shell becomes the program, and its child waits for the end of a pipe that only we hold: so the program does not outlive
 * us, however we end, not even where it is held at that moment. A line on the pipe says that the program has ended already.
 */
const GUARD = 'exec 3<&0; { read -r line <&3 || kill -9 $$; } >/dev/null 2>&1 &';
/** Linux' class for what must never be in the way of others; the lowest priority alone delays them by milliseconds. */
const IDLE = 'chrt -i -p 0 $$ >/dev/null 2>&1;';
const BECOME = 'exec "$@" </dev/null 3<&-';

/**
 * How a program is to be started so that it ends with us; its first pipe is the guard's.
 * @param cpuShare below 1 it is also of the class that gives way to everything
 */
export const guarded = (command: readonly string[], cpuShare: number): readonly [string, ...string[]] => [
  '/bin/sh',
  '-c',
  `${GUARD} ${cpuShare < 1 ? IDLE : ''} ${BECOME}`,
  'sh',
  ...command,
];

/** Lets a program that was started so have its share of a core, and no priority. */
export function holdBack(child: ChildProcess, cpuShare: number): void {
  lowerPriority(child);
  child.stdin?.on('error', () => {}); // the guard is gone already
  const turns = cpuShare < 1 ? setInterval(() => turn(child, cpuShare), TURN_MS).unref() : undefined;
  child.once('exit', () => {
    clearInterval(turns);
    child.stdin?.end('ended\n');
  });
}

/** Without a process of its own: as good as it goes. */
export function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system has no such thing: then it runs as everybody does.
  }
}

/** A signal to a program that has ended goes nowhere. One that ends us leaves it to the guard. */
function turn(child: ChildProcess, cpuShare: number): void {
  child.kill('SIGCONT');
  setTimeout(() => child.kill('SIGSTOP'), TURN_MS * cpuShare).unref();
}
