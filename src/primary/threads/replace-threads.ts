import type { Log } from '../../shared/log.ts';
import type { RequestThreads } from './request-threads.ts';
import { isLive } from './thread-health.ts';

/** Starting a thread takes a fraction of a second; one that takes this long does not come. */
const START_WITHIN_MS = 15_000;

/**
 * Replaces every thread by a new one, which reads the certificate and the settings of its app afresh. One at a time, the
 * new one first: there are never fewer than there should be. Stops where a new one does not come.
 * @returns whether all were replaced
 */
export async function replaceThreads(threads: RequestThreads, log: Log): Promise<boolean> {
  const old = threads.all().filter(({ state }) => isLive(state));
  const before = new Set(threads.all());
  for (const thread of old) {
    threads.setExtra(1);
    const came = await threads.until(
      () => threads.all().some((each) => each.state.kind === 'serving' && !before.has(each)),
      START_WITHIN_MS,
    );
    for (const each of threads.all()) if (each.state.kind === 'serving') before.add(each);
    if (!came) {
      log.error('a new request thread does not start: the old ones stay');
      threads.setExtra(0);
      return false;
    }
    // In this order: retiring first would start one more.
    threads.setExtra(0);
    threads.retire(thread);
  }
  return true;
}
