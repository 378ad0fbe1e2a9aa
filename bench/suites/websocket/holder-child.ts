/** Holds WebSockets open, in a process of its own. Argument: HolderPlan as JSON. Goes when the parent goes. */
import { goWithParent } from '../../shared/go-with-parent.ts';
import type { HolderPlan, HolderReport, ToHolder } from '../connections/messages.ts';
import { HeldWebSocket } from './held-websocket.ts';

/** So few handshakes at a time that what is measured later is memory of WebSockets and not of a burst. */
const AT_ONCE = 32;

const { host, port, path } = JSON.parse(process.argv[2] ?? '') as HolderPlan;
const url = new URL(`http://${host}:${port}${path}`);
const held: HeldWebSocket[] = [];

function openNext(): Promise<string | undefined> {
  const one = new HeldWebSocket(url);
  held.push(one);
  return one.opened;
}

/** `ask` for each index below `count`, `AT_ONCE` at a time. */
async function askAll(count: number, ask: (index: number) => Promise<string | undefined>): Promise<HolderReport> {
  const failures: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const failure = await ask(next++);
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return report(count, failures);
}

function report(asked: number, failures: readonly string[]): HolderReport {
  const open = held.filter(({ isOpen }) => isOpen).length;
  return { answered: asked - failures.length, failed: failures.length, open, failure: failures[0] };
}

async function obey(order: ToHolder): Promise<HolderReport> {
  switch (order.type) {
    case 'open':
      return await askAll(order.count, openNext);
    case 'sample':
      return await askAll(order.count, async (i) => {
        const one = held[Math.floor((i * held.length) / order.count)];
        return one === undefined ? 'no such WebSocket' : await one.echo();
      });
    case 'close':
      for (const one of held) one.close();
      return report(0, []);
    default:
      return order satisfies never;
  }
}

async function answer(order: ToHolder): Promise<void> {
  process.send?.(await obey(order));
}

process.on('message', (order: ToHolder) => void answer(order));
goWithParent();
