/* A stop that is asked for before there is a gateway that could drain. Imported first, so it imports nothing. */

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** EXIT.ok: it was asked to stop, and has. */
const end = (): never => process.exit(0);

/**
 * From here on a signal to stop ends the process at once, in order: as process 1 of a container it would be lost, for the
 * kernel delivers to that process only what it listens to. Until `drainOnStopSignals`; may be called more than once.
 */
export function endOnStopSignals(): void {
  for (const signal of STOP_SIGNALS) if (!process.listeners(signal).includes(end)) process.on(signal, end);
}

/**
 * Whoever knows how to stop what has been started listens now, before this is called: a signal that has come and was not
 * told yet is forgotten where the last listener goes.
 */
export function drainOnStopSignals(): void {
  for (const signal of STOP_SIGNALS) process.off(signal, end);
}
