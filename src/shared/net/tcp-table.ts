import { readFileSync } from 'node:fs';

/** Where the kernel lists the TCP sockets of this network namespace (proc(5)). */
export const TCP_TABLES: readonly string[] = ['/proc/net/tcp', '/proc/net/tcp6'];

/** State of a socket that listens: TCP_LISTEN of the kernel's include/net/tcp_states.h. */
export const LISTENING = '0A';

/** One line of a table; addresses and numbers in hex, as the kernel writes them. */
export interface TcpSocket {
  /** Such as `0100007F:1F90`. */
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  /** Bytes that the other side has not acknowledged, and bytes that nobody has read: `00000000:00000000`. */
  readonly queues: string;
  readonly inode: string;
}

/** @param table text of one of the tables; its first line, and what is no line of it, has no inode */
export function* tcpSockets(table: string): Generator<TcpSocket> {
  for (const line of table.split('\n')) {
    const [, local = '', remote = '', state = '', queues = '', , , , , inode = ''] = line.trim().split(/\s+/, 10);
    yield { local, remote, state, queues, inode };
  }
}

/** Text of a file of the kernel; '' where there is none, or it is not ours to read. */
export function kernelText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The number of the socket that a link of /proc/PID/fd names, such as `socket:[4711]`; `undefined` = it is no socket. */
export const inodeOfLink = (link: string): string | undefined => /^socket:\[(\d+)\]$/.exec(link)?.[1];
