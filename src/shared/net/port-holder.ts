import { readdirSync, readlinkSync } from 'node:fs';
import { inodeOfLink, kernelText, LISTENING, TCP_TABLES, tcpSockets } from './tcp-table.ts';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** As a person reads it, whether it can be seen or not. */
export const holderText = (holder: PortHolder | undefined): string =>
  holder === undefined ? 'a process that cannot be seen from here' : `${holder.command} (pid ${holder.pid})`;

/** Who listens on a TCP port of this machine; `undefined` when that cannot be seen (not Linux, another user's process). */
export function holderOf(port: number): PortHolder | undefined {
  const inodes = inodesOf(port);
  if (inodes.size === 0) return undefined;
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const holds = list(`/proc/${name}/fd`).some((fd) =>
      inodes.has(inodeOfLink(linkOf(`/proc/${name}/fd/${fd}`)) ?? ''),
    );
    if (holds) return { pid: Number(name), command: commandOf(name) };
  }
  return undefined;
}

/** Of the sockets that listen on it. */
function inodesOf(port: number): ReadonlySet<string> {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const table of TCP_TABLES) {
    for (const { local, state, inode } of tcpSockets(kernelText(table))) {
      if (local.endsWith(end) && state === LISTENING && inode !== '') inodes.add(inode);
    }
  }
  return inodes;
}

/** The program and what it runs: further arguments may be secret, and this is logged. */
function commandOf(pid: string): string {
  const [program = '', argument = ''] = kernelText(`/proc/${pid}/cmdline`).split('\0');
  const text = argument === '' || argument.startsWith('-') ? program : `${program} ${argument}`;
  return (text.trim() || kernelText(`/proc/${pid}/comm`).trim()).slice(0, 100);
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
