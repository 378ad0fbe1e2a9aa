import { withDefault } from '../env-variable.ts';
import { BOUNDS, numberText, secondsText, shareText, wholeNumberText } from '../numbers.ts';
import { oneOf } from '../parsers.ts';
import { BREAKER_MODES } from '../words.ts';

/** Variables of the circuit breakers; each upstream of the YAML may say otherwise for itself. */
export const BREAKER_ENV = {
  CIRCUIT_BREAKER: withDefault(
    oneOf(BREAKER_MODES),
    'on',
    'on, off, or shadow: counts and logs what it would do, refuses nothing.',
  ),
  CIRCUIT_BREAKER_ERROR_RATE: withDefault(
    shareText,
    '0.5',
    'Share of failures in the window that opens the breaker of an upstream: of all requests, and on average over its ' +
      'clients; 0 = only failures in a row count.',
  ),
  CIRCUIT_BREAKER_WINDOW_SECONDS: withDefault(secondsText(BOUNDS.seconds), '10', 'Length of the window.'),
  CIRCUIT_BREAKER_MIN_REQUESTS: withDefault(
    wholeNumberText(BOUNDS.count),
    '20',
    'Fewer requests in the window, since the first failure, decide nothing.',
  ),
  CIRCUIT_BREAKER_FAILURE_THRESHOLD: withDefault(
    wholeNumberText(BOUNDS.failureThreshold),
    '5',
    'Consecutive failures of an upstream, over all nodes, that open its breaker where no other client was served well ' +
      'within the window.',
  ),
  CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: withDefault(
    secondsText(BOUNDS.seconds),
    '30',
    'How long it stays open before the first probe.',
  ),
  CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD: withDefault(
    wholeNumberText(BOUNDS.halfOpenSuccesses),
    '2',
    'Probes that must succeed before it closes; also the most under way at once.',
  ),
  CIRCUIT_BREAKER_OPEN_FACTOR: withDefault(
    numberText(BOUNDS.openFactor),
    '1',
    'Each opening after a failed probe lasts this many times the one before.',
  ),
  CIRCUIT_BREAKER_OPEN_CAP_SECONDS: withDefault(
    secondsText(BOUNDS.seconds),
    '300',
    'No opening lasts longer (but the first always lasts its reset time-out).',
  ),
  CIRCUIT_BREAKER_MIN_NODES: withDefault(
    wholeNumberText(BOUNDS.minNodes),
    '1',
    'Nodes that must have seen failures, if so many live, before it opens for all; else for the node alone.',
  ),
} as const;
