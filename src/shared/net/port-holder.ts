import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

const LISTENING = '0A'; // TCP_LISTEN of the kernel's include/net/tcp_states.h

/** As a person reads it, whether it can be seen or not. */
export const holderText = (holder: PortHolder | undefined): string =>
  holder === undefined ? 'a process that cannot be seen from here' : `${holder.command} (pid ${holder.pid})`;

/** Who listens on a TCP port of this machine; `undefined` when that cannot be seen (not Linux, another user's process). */
export function holderOf(port: number): PortHolder | undefined {
  const sockets = new Set(inodesOf(port).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const holds = list(`/proc/${name}/fd`).some((fd) => sockets.has(linkOf(`/proc/${name}/fd/${fd}`)));
    if (holds) return { pid: Number(name), command: commandOf(name) };
  }
  return undefined;
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`, the port in hex (proc(5)). */
function inodesOf(port: number): readonly string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    read(file)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${hex}`) === true && fields[3] === LISTENING)
      .flatMap((fields) => fields[9] ?? []),
  );
}

/** The program and what it runs: further arguments may be secret, and this is logged. */
function commandOf(pid: string): string {
  const [program = '', argument = ''] = read(`/proc/${pid}/cmdline`).split('\0');
  const text = argument === '' || argument.startsWith('-') ? program : `${program} ${argument}`;
  return (text.trim() || read(`/proc/${pid}/comm`).trim()).slice(0, 100);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // ended meanwhile, or not ours to look into
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
