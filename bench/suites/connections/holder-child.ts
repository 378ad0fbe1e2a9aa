/** Holds connections open, in a process of its own. Argument: HolderPlan as JSON. Goes when the parent goes. */
import { requestBytes } from '../../shared/load/open-loop.ts';
import { goWithParent } from '../../shared/go-with-parent.ts';
import { HeldConnection } from './held-connection.ts';
import type { HolderPlan, HolderReport, ToHolder } from './messages.ts';

/** So few requests at a time that what is measured later is memory of connections and not of a burst. */
const AT_ONCE = 32;

const { host, port, path, perAddress } = JSON.parse(process.argv[2] ?? '') as HolderPlan;
const get = { name: 'hold', method: 'GET', requestBody: undefined } as const;
const request = requestBytes(get, new URL(`http://${host}:${port}${path}`), 0);
const held: HeldConnection[] = [];

function openNext(): HeldConnection {
  const address = Math.floor(held.length / perAddress);
  // Bound to an address only where one has not ports enough.
  const localAddress = address === 0 ? {} : { localAddress: `127.0.0.${address + 1}` };
  const connection = new HeldConnection({ host, port, ...localAddress });
  held.push(connection);
  return connection;
}

/** One request on each of `count` connections, `AT_ONCE` at a time. */
async function askAll(
  count: number,
  connectionOf: (index: number) => HeldConnection | undefined,
): Promise<HolderReport> {
  const failures: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const failure = await (connectionOf(next++)?.ask(request) ?? 'no such connection');
      if (failure !== undefined) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return report(count, failures);
}

function report(asked: number, failures: readonly string[]): HolderReport {
  const open = held.filter((connection) => connection.open).length;
  return { answered: asked - failures.length, failed: failures.length, open, failure: failures[0] };
}

async function obey(order: ToHolder): Promise<HolderReport> {
  switch (order.type) {
    case 'open':
      return await askAll(order.count, openNext);
    case 'sample':
      return await askAll(order.count, (i) => held[Math.floor((i * held.length) / order.count)]);
    case 'close':
      await Promise.all(held.map((connection) => connection.close()));
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
