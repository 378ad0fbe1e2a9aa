import type { Log } from '../../shared/log.ts';
import type { EventLog } from '../events/event-log.ts';
import type { ThreadEvent, ThreadState } from './thread-health.ts';
import { isLive } from './thread-health.ts';

type Kind = ThreadState['kind'];

interface Change {
  readonly slot: number;
  readonly before: ThreadState;
  readonly after: Kind;
  readonly cause: ThreadEvent['type'];
}

interface Report {
  /** `none`: the log has said so already, with the cause. */
  readonly level: 'info' | 'warn' | 'error' | 'none';
  readonly text: string;
  /** For the event, where the log has the rest in a line of its own. */
  readonly event?: string;
}

/** What to say of a change that somebody who runs the gateway wants to know. */
function reportOf({ before, after, cause }: Change): Report | undefined {
  const was: Kind = before.kind;
  if (after === 'silent') return { level: 'warn', text: 'request thread is silent: it gets no new connections' };
  if (was === 'silent' && after === 'serving')
    return { level: 'info', text: 'request thread is back: it gets connections again' };
  if (after === 'parked') return { level: 'error', text: 'request thread is stuck: another takes its place' };
  if (was === 'parked' && cause === 'check')
    return { level: 'warn', text: 'stuck request thread woke up and is sent away' };
  if (after === 'serving') return { level: 'info', text: 'request thread serves' };
  if (after === 'leaving' && cause === 'failed')
    return { level: 'none', text: 'request thread failed: another takes its place' };
  if (after === 'gone' && isLive(before))
    return { level: 'info', text: 'request thread ended', event: 'request thread ended on its own' };
  if (after === 'gone') return { level: 'info', text: 'request thread ended' };
  return undefined;
}

/** One log line and one event for such a change. */
export function reportTransition(
  to: { readonly log: Log; readonly events?: Pick<EventLog, 'add'> | undefined },
  change: Change,
): void {
  const report = reportOf(change);
  if (report === undefined) return;
  const fields = { thread: change.slot };
  if (report.level !== 'none') to.log[report.level](fields, report.text);
  to.events?.add('thread', `${report.event ?? report.text} (thread ${change.slot})`, fields);
}
