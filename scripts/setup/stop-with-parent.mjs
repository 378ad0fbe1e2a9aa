import { constants } from 'node:os';

const LOOK_EVERY_MS = 250;

/**
 * npm ends by SIGTERM without passing it on, and what it ran would keep the ports. So the end of npm is taken for the
 * signal, unless that has come as well: a second one would cut off what is in flight.
 */
export function stopWithParent() {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  let asked = false;
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
    process.prependListener(signal, () => {
      asked = true;
      // Nobody else listens yet, so there is no gateway to stop: end as without this listener.
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
    });
  }
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    if (!asked) process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  looking.unref();
}
