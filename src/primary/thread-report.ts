import type { Log } from '../shared/log.ts';
import type { ThreadEvent, ThreadState } from './thread-health.ts';

type Kind = ThreadState['kind'];

interface Change {
  readonly slot: number;
  readonly before: Kind;
  readonly after: Kind;
  readonly cause: ThreadEvent['type'];
}

/** One log line for a change of a thread that somebody who runs the gateway wants to know. */
export function reportTransition(log: Log, change: Change): void {
  const { before, after, cause } = change;
  const fields = { thread: change.slot };
  if (after === 'silent') log.warn(fields, 'request thread is silent: it gets no new connections');
  else if (before === 'silent' && after === 'serving')
    log.info(fields, 'request thread is back: it gets connections again');
  else if (after === 'parked') log.error(fields, 'request thread is stuck: another takes its place');
  else if (before === 'parked' && cause === 'check') log.warn(fields, 'stuck request thread woke up and is sent away');
  else if (after === 'serving') log.info(fields, 'request thread serves');
  else if (after === 'gone') log.info(fields, 'request thread ended');
}
