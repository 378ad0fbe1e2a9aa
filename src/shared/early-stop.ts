/* What is asked for before there is a gateway that could drain or reload. Imported first, so it imports nothing. */

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** EXIT.ok: it was asked to stop, and has. */
const end = (): never => process.exit(0);

let isReloadWanted = false;
const remember = (): void => void (isReloadWanted = true);

/**
 * From here on a signal to stop ends the process at once, in order: as process 1 of a container it would be lost, for the
 * kernel delivers to that process only what it listens to. A SIGHUP, which would end any other process, is remembered.
 * Until `drainOnStopSignals`; may be called more than once.
 */
export function endOnStopSignals(): void {
  for (const signal of STOP_SIGNALS) if (!process.listeners(signal).includes(end)) process.on(signal, end);
  if (!process.listeners('SIGHUP').includes(remember)) process.on('SIGHUP', remember);
}

/**
 * Whoever knows how to stop what has been started listens now, before this is called: a signal that has come and was not
 * told yet is forgotten where the last listener goes.
 * @returns whether a SIGHUP came
 */
export function drainOnStopSignals(): boolean {
  for (const signal of STOP_SIGNALS) process.off(signal, end);
  process.off('SIGHUP', remember);
  return isReloadWanted;
}
