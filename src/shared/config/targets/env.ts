import { withDefault } from '../env-variable.ts';
import { BOUNDS, secondsText } from '../numbers.ts';
import { oneOf } from '../parsers.ts';
import { EJECTION_MODES } from '../words.ts';

/** Variables of how targets are chosen; each upstream of the YAML may say otherwise for itself. */
export const TARGET_ENV = {
  TARGET_EJECTION: withDefault(
    oneOf(EJECTION_MODES),
    'on',
    'Whether a target that keeps failing gets no requests for a while, where its upstream has another: on, off, or ' +
      'shadow: counts and logs what it would do.',
  ),
  DNS_REFRESH_SECONDS: withDefault(
    secondsText(BOUNDS.dnsRefreshSeconds),
    '10',
    'How often names of upstreams with resolve: all are looked up.',
  ),
} as const;
