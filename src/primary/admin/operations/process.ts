import { z } from 'zod';
import { drainAnswer, logLevel, reloadAnswer } from '../../../shared/admin/operations.ts';
import type { LogLevelBody } from '../../../shared/admin/operations.ts';
import { describeConfig } from '../../../shared/config/describe-config.ts';
import { formatProblems } from '../../../shared/config/problems.ts';
import type { Config, LogLevel } from '../../../shared/config/types.ts';
import type { ReloadOutcome } from '../../config/reload.ts';
import { json, problem } from '../contract/answer.ts';
import type { AdminAnswer } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

/** What the process can be told to do. */
export interface ProcessActions {
  readonly config: () => Config;
  /** Number of the version that was pushed last; 0 = none was. */
  readonly configVersion: () => number;
  readonly reload: () => Promise<ReloadOutcome>;
  /** Begins the stop; only the first call does anything. */
  readonly drain: (reason: string) => void;
  readonly isDraining: () => boolean;
  readonly logLevel: () => LogLevel;
  /** Of the front and every thread, until it is set again or a reload sets what is configured. */
  readonly setLogLevel: (level: LogLevel) => void;
}

const DRAINING = 'The process is about to end.';
const draining = (): AdminAnswer => problem(409, 'draining', { detail: DRAINING });

function outcomeAnswer(outcome: ReloadOutcome): AdminAnswer {
  if (outcome.kind === 'applied') {
    const { version, needsRestart, complete, redisRefuses } = outcome;
    return json(200, { version, needsRestart, complete, redisRefuses });
  }
  return problem(422, 'invalid_configuration', {
    detail: 'The new configuration is invalid; the old one stays.',
    problems: formatProblems(outcome.problems).split('\n'),
  });
}

/** Its configuration, its log and its end. */
export const processOperations = (actions: ProcessActions): readonly AnyOperation[] => [
  operation({
    method: 'GET',
    path: '/admin/config',
    id: 'config',
    summary:
      'The configuration in use, whole; secrets are ***. ETag is the version that was pushed last, "0" where none was.',
    answer: z.record(z.string(), z.unknown()),
    handle: () => ({
      ...json(200, describeConfig(actions.config())),
      headers: { ETag: `"${actions.configVersion()}"` },
    }),
  }),
  operation({
    method: 'POST',
    path: '/admin/reload',
    id: 'reload',
    summary: 'Reads the configuration again and applies it, as SIGHUP does; an invalid one changes nothing.',
    longWork: true,
    answer: reloadAnswer,
    problems: { 409: DRAINING, 422: 'The new configuration is invalid; `problems` lists why.' },
    handle: async () => (actions.isDraining() ? draining() : outcomeAnswer(await actions.reload())),
  }),
  operation({
    method: 'POST',
    path: '/admin/drain',
    id: 'drain',
    summary:
      'Ends the process in order, as SIGTERM does: after DRAIN_DELAY_SECONDS what is in flight is finished, or cut off at ' +
      'the deadline.',
    answer: drainAnswer,
    status: 202,
    handle({ caller }) {
      const { drainDelayMs, drainTimeoutMs } = actions.config().server;
      const [delaySeconds, deadlineSeconds] = [drainDelayMs / 1000, (drainDelayMs + drainTimeoutMs) / 1000];
      const afterSent = (): void => actions.drain(`POST /admin/drain from ${caller.remoteAddress}`);
      return { ...json(202, { draining: true, delaySeconds, deadlineSeconds }), afterSent };
    },
  }),
  operation({
    method: 'GET',
    path: '/admin/log-level',
    id: 'logLevel',
    summary: 'The level of the log now.',
    answer: logLevel,
    handle: () => json(200, { level: actions.logLevel() }),
  }),
  operation<LogLevelBody>({
    method: 'PUT',
    path: '/admin/log-level',
    id: 'setLogLevel',
    summary:
      'Sets the level of the log in all threads of this node. A reload or a restart sets the configured one again.',
    body: logLevel,
    answer: logLevel,
    handle({ body }) {
      actions.setLogLevel(body.level);
      return json(200, { level: actions.logLevel() });
    },
  }),
];
