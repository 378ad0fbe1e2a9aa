import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Session } from '../../shared/session.ts';
import type { HolderPlan, HolderReport, ToHolder } from './messages.ts';

/** A child process that holds connections; one order at a time. */
export interface Holder {
  /** @throws Error when the child has ended */
  obey(order: ToHolder): Promise<HolderReport>;
  stop(): Promise<void>;
}

const OF_KEPT_CONNECTIONS = new URL('./holder-child.js', import.meta.url);

/** @param child the program; it takes its plan and orders as holder-child.ts does */
export function startHolder({ processes, cores }: Session, plan: HolderPlan, child = OF_KEPT_CONNECTIONS): Holder {
  const command = [process.execPath, fileURLToPath(child), JSON.stringify(plan)] as const;
  const started = processes.start({ name: 'connection holder', command, ipc: true }, cores.load);
  const ended = started.exited.then(() => Promise.reject(started.failure('the connections are gone')));
  ended.catch(() => {}); // whoever waits for a report hears it
  return {
    async obey(order) {
      const reported = once(started.child, 'message') as Promise<[HolderReport]>;
      started.child.send(order);
      const [report] = await Promise.race([reported, ended]);
      return report;
    },
    stop: () => started.stop(),
  };
}
