import { sessionAnswer, sessionWish } from '../../../shared/admin/session.ts';
import type { SessionWish } from '../../../shared/admin/session.ts';
import { isToken } from '../server/access.ts';
import type { Sessions } from '../server/sessions.ts';
import type { AdminToken } from '../token/admin-tokens.ts';
import { json, problem } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AnyOperation } from '../contract/operation.ts';

const READ_ONLY = "Nobody can sign in: ADMIN_UI says so, or there is no ADMIN_TOKEN and it does not say 'on'.";

/** Signing in and out on the operator's page. */
export const sessionOperations = (sessions: Sessions, token: () => AdminToken): readonly AnyOperation[] => [
  operation<SessionWish>({
    method: 'POST',
    path: '/admin/session',
    id: 'beginSession',
    summary:
      "Signs in on the operator's page with the admin token: a cookie that lets changes in from that page alone, for " +
      'twelve hours. Takes Origin equal to the own Host and X-Gateway-Page: 1.',
    access: 'login',
    secretBody: true,
    body: sessionWish,
    answer: sessionAnswer,
    problems: { 409: READ_ONLY },
    handle({ body, headers }) {
      if (!sessions.allowed) return problem(409, 'read_only', { detail: READ_ONLY });
      const now = token();
      if (now.kind === 'none' || !isToken(body.token, now.token)) {
        return problem(401, 'wrong_token', { detail: 'That is not the admin token.' });
      }
      return { ...json(200, { signedIn: true }), headers: { 'Set-Cookie': sessions.begin(headers) } };
    },
  }),
  operation({
    method: 'DELETE',
    path: '/admin/session',
    id: 'endSession',
    summary: "Signs out on the operator's page.",
    answer: sessionAnswer,
    handle: ({ headers }) => ({
      ...json(200, { signedIn: false }),
      headers: { 'Set-Cookie': sessions.end(headers) },
    }),
  }),
];
