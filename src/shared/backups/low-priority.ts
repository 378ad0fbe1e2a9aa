import { constants, setPriority } from 'node:os';
import type { ChildProcess } from 'node:child_process';

/** Programs that a backup starts take what nobody else on the machine wants: no share of theirs can be kept from here. */
export function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system has no such thing: then it runs as everybody does.
  }
}
