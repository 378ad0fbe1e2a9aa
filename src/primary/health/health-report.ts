import type { Log } from '../../shared/log.ts';
import type { EventLog } from '../events/event-log.ts';
import type { ProbedTarget } from './health-book.ts';
import { reasonOf } from './upstream-view.ts';
import type { UpstreamHealthView } from './upstream-view.ts';
import type { TargetVerdict } from './verdict.ts';

export interface HealthReportOptions {
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly events: Pick<EventLog, 'add'>;
  /** What is wrong now; told when it is another. */
  readonly onReasons: (reasons: readonly string[]) => void;
}

/** Says what probes have changed: to the log, the events, and the verdict over the node. */
export class HealthReport {
  readonly #options: HealthReportOptions;
  readonly #panics = new Set<string>();
  #reasons: readonly string[] = [];

  constructor(options: HealthReportOptions) {
    this.#options = options;
  }

  get reasons(): readonly string[] {
    return this.#reasons;
  }

  moved({ upstream, target, verdict, source, by }: ProbedTarget, before: TargetVerdict | undefined): void {
    const now = verdict?.verdict ?? 'up';
    const details = {
      upstream,
      target,
      verdict: now,
      before: before?.verdict ?? 'up',
      why: verdict?.why ?? '',
      source,
      by,
    };
    const text =
      now === 'up'
        ? `target ${target} of ${upstream} is healthy again`
        : `target ${target} of ${upstream} is down: ${details.why === '' ? now : details.why}`;
    this.#options.log[now === 'up' ? 'info' : 'warn'](details, text);
    this.#options.events.add('health', text, details);
  }

  look(upstreams: readonly UpstreamHealthView[]): void {
    const panics = new Set(upstreams.filter(({ panic }) => panic).map(({ upstream }) => upstream));
    for (const view of upstreams) {
      const { upstream, targets, out, panic } = view;
      if (panic === this.#panics.has(upstream)) continue;
      const left = `${targets - out} of ${targets}`;
      const text = panic
        ? `upstream ${upstream}: ${left} targets are left, less than half of the weight, so all are used`
        : `upstream ${upstream}: ${left} targets are left, and only those are used again`;
      const details = { upstream, targets, left: targets - out, panic };
      this.#options.log[panic ? 'warn' : 'info'](details, text);
      this.#options.events.add('health', text, details);
    }
    this.#panics.clear();
    for (const upstream of panics) this.#panics.add(upstream);
    const reasons = upstreams.map(reasonOf).filter((reason) => reason !== '');
    if (reasons.join('\n') === this.#reasons.join('\n')) return;
    this.#reasons = reasons;
    this.#options.onReasons(reasons);
  }
}
