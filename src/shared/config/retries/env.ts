import { withDefault } from '../env-variable.ts';
import { BOUNDS, wholeNumberText } from '../numbers.ts';
import { onOff } from '../parsers.ts';

/** Variables of repeated requests; each route and upstream of the YAML may say otherwise for itself. */
export const RETRY_ENV = {
  RETRIES: withDefault(
    wholeNumberText(BOUNDS.retries),
    '0',
    'How often a request that has failed may be sent once more, to another target, within the budget of its upstream; 0 = ' +
      'only where nothing of it was sent, and once where a kept connection had closed.',
  ),
  RETRY_BUDGET_PERCENT: withDefault(
    wholeNumberText(BOUNDS.percent),
    '20',
    'Repeats of an upstream among a hundred requests, at most.',
  ),
  DEBUG_HEADERS: withDefault(
    onOff,
    'off',
    'Answers say in X-Gateway-Attempts how often their request was sent, where that is more than once.',
  ),
} as const;
