import { ENV_NAMES } from '../../src/shared/config/env-table.ts';
import { ERROR_ADVICE } from '../../src/shared/error-advice.ts';
import { ERROR_CODES, ERRORS } from '../../src/shared/errors.ts';
import type { ErrorCode } from '../../src/shared/errors.ts';
import { code, document, markdownTable, withCode } from './markdown.ts';

const linked = (text: string): string =>
  withCode(text, (word) => ENV_NAMES.includes(word)).replace(/docs\/([\w-]+\.md)/g, '[$1]($1)');

const row = (name: ErrorCode): readonly string[] => {
  const { status, detail, closes, retryAfterSeconds, upstreamFault } = ERRORS[name];
  const { client, operator } = ERROR_ADVICE[name];
  const marks = [
    ...(closes ? ['closes'] : []),
    ...(retryAfterSeconds === undefined ? [] : [`again after ${retryAfterSeconds} s`]),
    ...(upstreamFault ? ['breaker'] : []),
  ];
  return [code(name), String(status), detail, marks.join(', '), linked(client), linked(operator)];
};

/** docs/errors.md. */
export const errorsDocument = (): string =>
  document(
    'Errors of the gateway',
    'Every answer that the gateway makes itself, in place of one of the upstream, is `application/problem+json` (RFC 9457) in one line:',
    '```json\n' +
      `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"${ERRORS.circuit_open.detail}","code":"circuit_open","request_id":"…"}\n` +
      '```',
    '`code` is part of the contract: codes are added, never renamed. `request_id` is also in the answer as `X-Request-Id` and in the ' +
      'log. An answer without `code` is the upstream’s. `gateway explain CODE` says the same as this table.',
    '*closes*: the connection carries no further request. *again after*: the `Retry-After` of the answer, where nobody knows better; ' +
      'limits, bans, breakers and maintenance say how long it really is. *breaker*: counts as a failure of the upstream ([breaker.md](breaker.md)).',
    markdownTable(
      ['code', 'status', 'meaning', '', 'the client', 'the operator'],
      [...ERROR_CODES].sort((a, b) => ERRORS[a].status - ERRORS[b].status).map(row),
    ),
    '`http_refused_total` counts what a front refused before there was a route; `ok` and `client_left` are outcomes in the log, no errors. ' +
      'The codes of the admin port are its own: [admin-api.md](admin-api.md).',
  );
