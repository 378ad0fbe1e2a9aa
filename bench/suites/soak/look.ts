import { readdirSync, readlinkSync } from 'node:fs';
import { ask } from '../../shared/ask.ts';
import type { GatewayProxy } from '../../shared/gateway.ts';
import { treeMemory } from '../../shared/memory.ts';

/** What a gateway holds at one moment. */
export interface Look {
  readonly rssBytes: number;
  readonly files: Files;
  /** V8 heap in use, by thread; empty when /metrics did not answer. */
  readonly heapBytes: Readonly<Record<string, number>>;
}

/** Open descriptors of a process. */
export interface Files {
  readonly all: number;
  readonly sockets: number;
}

export async function look(gateway: GatewayProxy): Promise<Look> {
  const files = openFiles(gateway.process.pid); // before this asks for something
  const text = await metrics(gateway).catch(() => '');
  return { rssBytes: treeMemory(gateway.process.pid).rssBytes, files, heapBytes: heapOf(text) };
}

/** @throws Error when the admin port does not answer */
export async function metrics({ adminPort }: GatewayProxy): Promise<string> {
  const { body } = await ask(`http://127.0.0.1:${adminPort}/metrics`, { method: 'GET' });
  return body.toString();
}

/** Those of this process alone: the gateway has no children. */
export function openFiles(pid: number): Files {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(`${folder}/${name}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  const open = targets.filter((target) => target !== '');
  return { all: open.length, sockets: open.filter((target) => target.startsWith('socket:')).length };
}

/** From the text of /metrics. */
export function heapOf(text: string): Record<string, number> {
  const rows = text.matchAll(/^gateway_thread_heap_used_bytes\{thread="([^"]+)"\} (\S+)$/gm);
  return Object.fromEntries([...rows].map(([, thread = '', value]) => [thread, Number(value)]));
}

/** Sum of a metric over all its labels. */
export function sumOf(text: string, name: string): number {
  const rows = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
  return [...rows].reduce((sum, [, value]) => sum + Number(value), 0);
}
