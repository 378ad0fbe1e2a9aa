import type { BreakerAnswer } from '../../../shared/admin/breakers.ts';
import type { BreakerView } from '../../breaker/view.ts';

const seconds = (ms: number): number => Math.ceil(ms / 100) / 10;

/** A breaker as the admin API shows it. */
export function breakerAnswerOf(view: BreakerView): BreakerAnswer {
  const { upstream, mode, state, oneClient, scope, failures, reason, openForMs, refused, quiet, forced } = view;
  return {
    upstream,
    mode,
    state,
    oneClient,
    scope,
    failures,
    reason,
    openForSeconds: seconds(openForMs),
    refused,
    quiet,
    forced: forced === undefined ? null : { state: forced.state, remainingSeconds: seconds(forced.remainingMs) },
  };
}
