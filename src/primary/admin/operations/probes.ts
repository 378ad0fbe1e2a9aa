import { healthAnswer, readyAnswer } from '../../../shared/admin/operations.ts';
import { json, problem } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

/** What the probes ask of the front. */
export interface ProbedFront {
  /** Clients can connect, and a thread takes them. */
  readonly serving: () => boolean;
  readonly draining: () => boolean;
  /** Why it is not all as it should be; empty when it is. */
  readonly degraded: () => readonly string[];
}

/**
 * `/health` and `/ready` as on the port for clients, for whoever must not reach that one, or probes without TLS. Open, as
 * they are there.
 */
export const probeOperations = (front: ProbedFront): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/health',
    id: 'health',
    summary: 'The process works; whether anything is degraded, and why.',
    access: 'open',
    answer: healthAnswer,
    handle() {
      const reasons = front.degraded();
      return json(200, reasons.length === 0 ? { status: 'ok' } : { status: 'degraded', reasons });
    },
  }),
  operation({
    method: 'GET',
    path: '/ready',
    id: 'ready',
    summary: 'Whether new connections should come here: 503 while it starts and from when it is told to end.',
    access: 'open',
    answer: readyAnswer,
    problems: { 503: 'It starts (`starting`) or is about to end (`draining`).' },
    handle() {
      if (front.draining()) return problem(503, 'draining', { detail: 'The process is about to end.' });
      if (!front.serving()) return problem(503, 'starting', { detail: 'No request thread serves clients yet.' });
      return json(200, { status: 'ready' });
    },
  }),
];
