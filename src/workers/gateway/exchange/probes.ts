import type { LocalAnswer } from './local-answer.ts';

export type ProbePath = '/health' | '/ready';

export const isProbePath = (path: string): path is ProbePath => path === '/health' || path === '/ready';

/** What the probes ask of the thread. */
export interface ProbedThread {
  readonly draining: boolean;
  healthBody(): string;
}

/** The answer to `/health` and `/ready`: given here, whatever else is going on. */
export function probeAnswer(path: ProbePath, thread: ProbedThread): LocalAnswer {
  const ready = path === '/health' || !thread.draining;
  return {
    status: ready ? 200 : 503,
    type: 'application/json',
    text: path === '/health' ? thread.healthBody() : `{"status":"${ready ? 'ready' : 'draining'}"}\n`,
    close: thread.draining,
    allow: undefined,
    retryAfterSeconds: undefined,
  };
}
