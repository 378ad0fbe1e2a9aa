import type { IncomingMessage } from 'node:http';
import { accessTo, isOfThisMachine } from './access.ts';
import type { Access, AccessRequest } from './access.ts';
import { problem } from '../contract/answer.ts';
import type { AdminAnswer, WholeAnswer } from '../contract/answer.ts';
import type { AnyOperation, Caller, Operation, OperationRequest } from '../contract/operation.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { OperationTable } from './operation-table.ts';
import { invalidRequest, readBody } from './read-body.ts';
import type { Sessions } from './sessions.ts';
import type { AdminToken } from '../token/admin-tokens.ts';

export interface DispatchParts {
  readonly table: OperationTable;
  /** The admin token of now. */
  readonly token: () => AdminToken;
  readonly sessions: Pick<Sessions, 'stateOf'>;
  readonly audit: Audit;
  /** Resolves when a wrong token may be refused. */
  readonly holdBack: (req: IncomingMessage) => Promise<void>;
  /** An operation failed; the caller learns only that it did. */
  readonly onFault: (error: unknown) => void;
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

function kindOf(method: string, path: string, table: OperationTable): AccessRequest['kind'] {
  if (isRead(method)) return table.isOpen(path) ? 'open' : 'read';
  return table.isLogin(method, path) ? 'login' : 'change';
}

/** Answers one request: access → route → query → body → the operation; a change leaves an audit line, long work one before too. Never rejects. */
export async function dispatch(req: IncomingMessage, parts: DispatchParts): Promise<AdminAnswer> {
  const [path = '/', search = ''] = (req.url ?? '/').split(/\?(.*)/s);
  const method = req.method ?? '';
  const remoteAddress = req.socket.remoteAddress ?? '';
  const kind = kindOf(method, path, parts.table);
  const token = parts.token();
  const session = parts.sessions.stateOf(req.headers);
  const who = accessTo({ remoteAddress, headers: req.headers, kind, session }, token);
  const found = parts.table.find(method, path);
  const operation = found.kind === 'operation' ? found.operation : undefined;
  const audit = (entry: Pick<AuditEntry, 'who' | 'status' | 'body' | 'audited'>): void => {
    if (kind !== 'change' && kind !== 'login') return;
    const shownPath = operation?.secretPath === true ? operation.path : path;
    parts.audit.record({ remoteAddress, method, path: shownPath, operation: operation?.id, ...entry });
  };

  const refusal = refusalOf({ who, kind, token, near: isOfThisMachine({ remoteAddress, headers: req.headers }) });
  if (refusal !== undefined) {
    audit({ who: 'refused', status: refusal.status });
    if (who === 'needs-token' && req.headers.authorization !== undefined) await parts.holdBack(req);
    return refusal;
  }
  const caller: Caller = { who: who as Caller['who'], remoteAddress };
  if (found.kind === 'nothing') return noSuchPath(parts.table);
  if (found.kind === 'wrong-method') return wrongMethod(found.allow);
  const input = found.kind === 'bad-param' ? badParam(found) : await readInput(req, found.operation, search);
  if ('status' in input) {
    audit({ who: caller.who, status: input.status });
    return input;
  }
  const params = found.kind === 'operation' ? found.params : {};
  const request: OperationRequest<unknown> = { params, ...input, headers: req.headers, caller };
  if (operation?.longWork === true) {
    audit({ who: caller.who, status: undefined, body: input.body });
  }
  const answer = await run(operation as AnyOperation, request, parts.onFault);
  const shownBody = operation?.secretBody === true ? undefined : input.body;
  audit({ who: caller.who, status: answer.status, body: shownBody, audited: answer.audited });
  if (kind === 'login' && answer.status === 401) await parts.holdBack(req);
  return answer;
}

async function run(
  operation: AnyOperation,
  request: OperationRequest<unknown>,
  onFault: (error: unknown) => void,
): Promise<AdminAnswer> {
  try {
    return await (operation as unknown as Operation<unknown>).handle(request);
  } catch (error) {
    onFault(error);
    return problem(500, 'internal_error', { detail: 'The call failed; the log of the gateway says why.' });
  }
}

interface Refused {
  readonly who: Access;
  readonly kind: AccessRequest['kind'];
  readonly token: AdminToken;
  /** It comes from this machine itself, which may know where the token is. */
  readonly near: boolean;
}

function refusalOf({ who, kind, token, near }: Refused): WholeAnswer | undefined {
  if (who === 'needs-token') {
    const detail =
      token.kind === 'made' && near
        ? `This needs the admin token that the gateway made: Authorization: Bearer <what ${token.path} holds>.`
        : 'This needs the admin token: Authorization: Bearer <token>.';
    return { ...problem(401, 'unauthorized', { detail }), headers: { 'WWW-Authenticate': 'Bearer' } };
  }
  if (who === 'session-expired') {
    return problem(401, 'session_expired', {
      detail: 'The session is over, or the gateway was started again: sign in.',
    });
  }
  if (who === 'not-the-page') {
    const detail =
      "Changes by a session come from the operator's page alone: Origin must be the own Host, Host this machine by " +
      'address, localhost or host name, and X-Gateway-Page 1.';
    return problem(403, 'not_the_page', { detail });
  }
  if (who !== 'forbidden') return undefined;
  const reason = token.kind === 'none' ? token.reason : 'no admin token';
  const detail =
    kind === 'change' || kind === 'login'
      ? `Nobody may change anything: ${reason}.`
      : 'A name that was made to point here may not read; use localhost or an address.';
  return problem(403, 'forbidden', { detail });
}

const noSuchPath = (table: OperationTable): WholeAnswer =>
  problem(404, 'not_found', { detail: 'The admin port has no such path; see paths.', paths: table.paths() });

const wrongMethod = (allow: readonly string[]): WholeAnswer => ({
  ...problem(405, 'method_not_allowed', { detail: `This path takes ${allow.join(', ')}.`, allow }),
  headers: { Allow: allow.join(', ') },
});

const badParam = ({ name, expected }: { readonly name: string; readonly expected: string }): WholeAnswer =>
  invalidRequest('The path', [{ path: name, expected, got: 'something else' }]);

type Input = Pick<OperationRequest<unknown>, 'query' | 'body'>;

async function readInput(req: IncomingMessage, operation: AnyOperation, search: string): Promise<Input | WholeAnswer> {
  const query = new URLSearchParams(search);
  const names = Object.entries(operation.parameters ?? {}).flatMap(([name, { in: where }]) =>
    where === 'query' ? name : [],
  );
  const known = names.length === 0 ? 'no parameter' : `only ${names.join(', ')}`;
  const errors = [...new Set(query.keys())].flatMap((name) => {
    if (!names.includes(name)) return { path: name, expected: known, got: 'an unknown parameter' };
    const times = query.getAll(name).length;
    return times === 1 ? [] : { path: name, expected: 'one value', got: `${times} values` };
  });
  // The body is read all the same: what is left of it would be taken for the next request.
  const read = await readBody(req, operation.body);
  if (errors.length > 0) return invalidRequest('The query', errors);
  return read.ok ? { query, body: read.body } : read.refusal;
}
