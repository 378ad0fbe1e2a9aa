import { withDefault } from '../env-variable.ts';
import { BOUNDS, wholeNumberText } from '../numbers.ts';

/** Variables of what is refused when more comes than can be served. */
export const OVERLOAD_ENV = {
  UPSTREAM_CONCURRENCY: withDefault(
    wholeNumberText(BOUNDS.countOrNone),
    '0',
    'Requests of a node that may be under way at an upstream, until the header of the answer; the rest waits in ' +
      'UPSTREAM_QUEUE, above it 503. At least WORKERS; 0 = no limit.',
  ),
  SHED_LOOP_LAG_MILLISECONDS: withDefault(
    wholeNumberText(BOUNDS.loopLagMilliseconds),
    '0',
    'A request thread whose ticks (every 50 ms) have come later than this for a second refuses a share of its requests, ' +
      'low priority first, that grows by 10 % a second: 503. 0 = never; 100 is a good value.',
  ),
} as const;
