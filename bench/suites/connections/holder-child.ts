/** Holds connections open, in a process of its own. Argument: HolderPlan as JSON. Goes when the parent goes. */
import { requestBytes } from '../../shared/load/open-loop.ts';
import { HeldConnection } from './held-connection.ts';
import type { HolderPlan } from './messages.ts';
import { serveHolder } from './serve-holder.ts';

const { host, port, path, perAddress } = JSON.parse(process.argv[2] ?? '') as HolderPlan;
const get = { name: 'hold', method: 'GET', requestBody: undefined } as const;
const request = requestBytes(get, new URL(`http://${host}:${port}${path}`), 0);

serveHolder((index) => {
  const address = Math.floor(index / perAddress);
  // Bound to an address only where one has not ports enough.
  const localAddress = address === 0 ? {} : { localAddress: `127.0.0.${address + 1}` };
  const connection = new HeldConnection({ host, port, ...localAddress });
  const ask = (): Promise<string | undefined> => connection.ask(request);
  return { open: ask, sample: ask, close: () => connection.close(), isOpen: () => connection.open };
});
