/**
 * As process 1 of a container: the kernel delivers to it only the signals that it listens to, so nobody else would stop it
 * while it sets up. Any other process ends by them as it is.
 */
export function endEarly() {
  if (process.pid !== 1) return;
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT']))
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(0); // nobody else knows how
    });
}
