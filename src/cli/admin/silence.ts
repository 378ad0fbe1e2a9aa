import { readFileSync } from 'node:fs';
import { holderOf } from '../../shared/net/port-holder.ts';
import { isThisMachine } from './made-token.ts';

/** What the kernel's letters say of a process (proc(5)), and what to do. */
const STATES: Readonly<Record<string, (pid: number) => string>> = {
  T: (pid) => `it is stopped: "kill -CONT ${pid}" lets it go on`,
  t: () => 'a debugger holds it',
  D: () => 'it waits for a disk or a network file system',
  Z: () => 'it is dead, and its parent has not noticed',
  R: (pid) => `it is busy or stuck in a loop: "top -H -p ${pid}" shows where`,
};

/**
 * What can be known of a gateway that says nothing, without asking it.
 * @param connected whether its port took the connection, which the system does for it
 */
export function describeSilence(origin: URL, connected: boolean): string {
  const port = connected ? 'Its port is open' : 'Its port did not take the connection in that time';
  const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!isThisMachine(host)) {
    return connected
      ? `${port}, so its machine is there: the process hangs or is very busy.`
      : `${port}: the machine, or the way to it, may be down, or a firewall drops packets.`;
  }
  const holder = holderOf(Number(origin.port));
  if (holder === undefined) return `${port}; which process holds it cannot be seen from here (another user's?).`;
  const { pid, command } = holder;
  const state = STATES[stateOf(pid)]?.(pid) ?? 'it waits for something';
  return `${port}, and process ${pid} (${command}) is there: ${state}.`;
}

/** The letter of /proc/<pid>/stat; it follows the name, which is in brackets and may hold any. */
function stateOf(pid: number): string {
  try {
    return /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';
  } catch {
    return ''; // gone meanwhile, or not Linux
  }
}
