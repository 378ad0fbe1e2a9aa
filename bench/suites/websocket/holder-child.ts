/** Holds WebSockets open, in a process of its own. Argument: HolderPlan as JSON. Goes when the parent goes. */
import type { HolderPlan } from '../connections/messages.ts';
import { serveHolder } from '../connections/serve-holder.ts';
import { HeldWebSocket } from './held-websocket.ts';

const { host, port, path } = JSON.parse(process.argv[2] ?? '') as HolderPlan;
const url = new URL(`http://${host}:${port}${path}`);

serveHolder(() => {
  const one = new HeldWebSocket(url);
  return { open: () => one.opened, sample: () => one.echo(), close: async () => one.close(), isOpen: () => one.isOpen };
});
