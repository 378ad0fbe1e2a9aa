import { readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { inodeOfLink, TCP_TABLES, tcpSockets } from '../../../shared/net/tcp-table.ts';

/** By which the kernel's table names a socket; `undefined` where that cannot be known. @param fd of this process, or -1 */
export function socketInode(fd: number): string | undefined {
  if (fd < 0) return undefined;
  try {
    return inodeOfLink(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    return undefined; // not Linux, or closed
  }
}

/** Bytes that the kernel has of each socket and the other side has not acknowledged; those it does not know are left out. */
export async function unacknowledged(inodes: ReadonlySet<string>): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const table of TCP_TABLES) {
    const text = await readFile(table, 'latin1').catch(() => ''); // not Linux, or without IPv6
    for (const { inode, queues } of tcpSockets(text))
      if (inodes.has(inode)) found.set(inode, Number.parseInt(queues, 16));
  }
  return found;
}
