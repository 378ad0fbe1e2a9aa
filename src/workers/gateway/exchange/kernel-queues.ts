import { readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Columns of Linux's /proc/net/tcp (proc_net_tcp.rst of the kernel). */
const QUEUES = 4;
const INODE = 9;
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** By which the kernel's table names a socket; `undefined` where that cannot be known. @param fd of this process, or -1 */
export function socketInode(fd: number): string | undefined {
  if (fd < 0) return undefined;
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined; // not Linux, or closed
  }
}

/** Bytes that the kernel has of each socket and the other side has not acknowledged; those it does not know are left out. */
export async function unacknowledged(inodes: ReadonlySet<string>): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const table of TABLES) {
    const text = await readFile(table, 'latin1').catch(() => ''); // not Linux, or without IPv6
    for (const line of text.split('\n')) {
      const columns = line.trim().split(/\s+/, INODE + 1);
      const inode = columns[INODE] ?? '';
      if (inodes.has(inode)) found.set(inode, Number.parseInt(columns[QUEUES] ?? '', 16));
    }
  }
  return found;
}
