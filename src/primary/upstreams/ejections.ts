import type { Log } from '../../shared/log.ts';
import type { EjectionReason } from '../../shared/targets/ejection-rule.ts';
import type { FromUpstreamThread } from '../../shared/upstreams/messages.ts';
import type { EventLog } from '../events/event-log.ts';

type Ejected = Extract<FromUpstreamThread, { readonly type: 'ejected' }>;
type Returned = Extract<FromUpstreamThread, { readonly type: 'returned' }>;

/** How often targets of an upstream were ejected for a reason; `shadow`: would have been. */
export interface EjectionCount {
  readonly upstream: string;
  readonly reason: EjectionReason;
  readonly mode: 'on' | 'shadow';
  count: number;
}

export interface EjectionsOptions {
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly events: Pick<EventLog, 'add'>;
  /** Another set of targets is in use now. */
  readonly onChange: () => void;
}

const WORDS: Readonly<Record<EjectionReason, string>> = {
  connect_failure: 'connections to it do not come about',
  reset: 'it cuts connections',
  timeout: 'it does not answer in time',
  bad_answer: 'what it answers is not HTTP/1.1',
  status: 'it answers 502, 503 or 504',
};

/** Says which targets threads have ejected, and counts them. */
export class Ejections {
  readonly #options: EjectionsOptions;
  readonly #counts = new Map<string, EjectionCount>();

  constructor(options: EjectionsOptions) {
    this.#options = options;
  }

  /** Since the start. */
  counts(): readonly EjectionCount[] {
    return [...this.#counts.values()];
  }

  receive(message: Ejected | Returned): void {
    const { log, events, onChange } = this.#options;
    const { upstream, target } = message;
    if (message.type === 'returned') {
      const text = `target ${target} of ${upstream} is back: a request to it went well`;
      log.info({ upstream, target }, text);
      events.add('health', text, { upstream, target, ejected: false });
    } else {
      const { reason, forMs, times, shadow } = message;
      this.#count(message);
      const details = { upstream, target, ejected: true, reason, seconds: forMs / 1000, times, shadow };
      const what = shadow ? 'would be ejected (shadow)' : 'is ejected';
      const text = `target ${target} of ${upstream} ${what} for ${forMs / 1000} s: ${WORDS[reason]}`;
      log.warn(details, text);
      events.add('health', text, details);
    }
    onChange();
  }

  #count({ upstream, reason, shadow }: Ejected): void {
    const mode = shadow ? 'shadow' : 'on';
    const key = `${upstream} ${reason} ${mode}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { upstream, reason, mode, count: 1 });
    else known.count++;
  }
}
