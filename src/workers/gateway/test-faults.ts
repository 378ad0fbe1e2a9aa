import { monotonicMs } from '../../shared/clock.ts';

/** Names the fault that a request asks for. */
export const FAULT_FIELD = 'x-gateway-test-fault';

/**
 * Ways to break a thread on purpose, for the killing drills; only with GATEWAY_TEST_FAULTS=on. The field
 * `x-gateway-test-fault` names one: `throw` (in the handler), `throw-later` (an uncaught exception), `block:MS`.
 */
export function injectFault(fault: string): void {
  if (fault === '') return;
  if (fault === 'throw') throw new Error('test fault: the handler throws');
  if (fault === 'throw-later') {
    setImmediate(() => {
      throw new Error('test fault: thrown outside any handler');
    });
  } else if (fault.startsWith('block:')) {
    const untilMs = monotonicMs() + Number(fault.slice('block:'.length));
    while (monotonicMs() < untilMs);
  }
}
