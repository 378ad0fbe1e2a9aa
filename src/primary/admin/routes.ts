import { formatProblems } from '../../shared/config/problems.ts';
import type { ReloadOutcome } from '../reload.ts';
import { accessTo } from './access.ts';
import { json, problem } from './answer.ts';
import type { AdminAnswer, AdminHandler, AdminRoutes } from './answer.ts';

/** What the admin port shows and does; `main.ts` connects it to the front. */
export interface AdminActions {
  token(): string | undefined;
  status(): unknown;
  reload(): Promise<ReloadOutcome>;
}

function reloadAnswer(outcome: ReloadOutcome): AdminAnswer {
  if (outcome.kind === 'applied') {
    const { version, needsRestart, complete } = outcome;
    return json(200, { version, needsRestart, complete });
  }
  return problem(422, 'invalid_configuration', {
    detail: 'The new configuration is invalid; the old one stays.',
    problems: formatProblems(outcome.problems).split('\n'),
  });
}

/** Lets only those through who may change something. */
const guarded =
  (actions: AdminActions, handler: AdminHandler): AdminHandler =>
  (request) => {
    const access = accessTo(request, actions.token());
    if (access === 'allowed') return handler(request);
    if (access === 'needs-token') {
      const refusal = problem(401, 'unauthorized', { detail: 'This needs the admin token.' });
      return { ...refusal, headers: { 'WWW-Authenticate': 'Bearer' } };
    }
    return problem(403, 'forbidden', { detail: 'Without ADMIN_TOKEN only this machine may change anything.' });
  };

/** The pages of the admin port. */
export const adminRoutes = (actions: AdminActions): AdminRoutes =>
  new Map([
    ['/admin/status', { GET: () => json(200, actions.status()) }],
    ['/admin/reload', { POST: guarded(actions, async () => reloadAnswer(await actions.reload())) }],
  ]);
