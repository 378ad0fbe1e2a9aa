import { monotonicMs } from '../../shared/clock.ts';
import { drainOnStopSignals } from '../../shared/early-stop.ts';
import { isFromTerminal, StopSignals } from './stop-signals.ts';

/** What the outside of the process asks for. */
export interface ProcessOrders {
  /** @param opts.delayed new connections are still served for DRAIN_DELAY_SECONDS */
  drain(reason: string, opts: { readonly delayed: boolean }): void;
  force(): void;
  reload(): void;
  /** An error that nobody caught. */
  fault(error: unknown): void;
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Connects signals, the supervising parent and uncaught errors to what must happen then. Once per process. */
export function onProcessEvents(orders: ProcessOrders): void {
  const signals = new StopSignals();
  const onStop = (signal: NodeJS.Signals): void => {
    const order = signals.next(monotonicMs());
    if (order === 'drain') orders.drain(signal, { delayed: !isFromTerminal(signal, [process.stdout, process.stderr]) });
    else if (order === 'force') orders.force();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onStop);
  process.on('SIGHUP', () => orders.reload());
  if (drainOnStopSignals()) orders.reload();
  // The parent is gone, and with it whoever would stop this process; whoever follows wants its port.
  process.on('disconnect', () => orders.drain('the supervising parent is gone', { delayed: false }));
  process.on('uncaughtException', (error) => orders.fault(error));
  process.on('unhandledRejection', (reason) => orders.fault(reason));
}
