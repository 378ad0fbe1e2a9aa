import { hash } from 'node:crypto';
import type { RouteAuthorizationConfig } from '../../../shared/config/authorize/types.ts';

/** What of a request can be said of it only while its header is there, each line with its CRLF. */
export interface Told {
  /** Fields of the client that are told. */
  readonly client: string;
  /** X-Forwarded-For, -Proto, -Host and X-Real-IP. */
  readonly forwarded: string;
  readonly via: string;
}

/** A request as its authorizer sees it. */
export interface QuestionedRequest {
  readonly told: Told;
  readonly method: string;
  readonly host: string;
  /** Normalised, as it is routed on. */
  readonly path: string;
  /** With the query that the upstream gets. */
  readonly forwardTarget: string;
  /** Of the client, as far as it can be believed. */
  readonly address: string;
  readonly requestId: string;
  readonly encoding: 'latin1' | 'utf8';
  /** Who has proved who he is. */
  readonly caller: { readonly fields: string } | undefined;
}

/**
 * The target as the gateway understands it, before the route changes anything: what an authorizer judges is what the
 * upstream gets, not another spelling of it; and a credential in the query that the upstream does not get, it does not either.
 */
export function uriOf({ path, forwardTarget }: QuestionedRequest): string {
  const query = forwardTarget.indexOf('?');
  return query === -1 ? path : path + forwardTarget.slice(query);
}

/** All lines that the authorizer is told. */
export function questionFields(request: QuestionedRequest): string {
  const { told, method, caller, requestId } = request;
  return (
    `${told.client}${told.forwarded}x-forwarded-method: ${method}\r\nx-forwarded-uri: ${uriOf(request)}\r\n` +
    `${caller === undefined ? '' : caller.fields}x-request-id: ${requestId}\r\nvia: ${told.via}\r\n`
  );
}

/**
 * What an answer holds for: a hash, so that no credential stays in memory, of all that the authorizer was told but for the
 * request's id, or of what the route says. `''` = it holds for this request alone, because nothing in it says whose it is.
 */
export function keyOf(
  request: QuestionedRequest,
  { route, cacheBy }: { readonly route: string; readonly cacheBy: RouteAuthorizationConfig['cacheBy'] },
): string {
  const { told, method, host, address } = request;
  const consumer = request.caller === undefined ? '' : request.caller.fields;
  let text: string;
  if (cacheBy === undefined) {
    if (told.client === '' && consumer === '') return '';
    text = `${route}\n${method}\n${host}\n${uriOf(request)}\n${consumer}\n${told.forwarded}\n${told.client}`;
  } else {
    const { fields, parts } = cacheBy;
    const named = fields.length === 0 ? '' : fieldsNamed(told.client, fields);
    const tellsWho = named !== '' || parts.includes('address') || (consumer !== '' && parts.includes('consumer'));
    if (!tellsWho) return '';
    text = `${route}\n${named}`;
    if (parts.includes('method')) text += `\nm ${method}`;
    if (parts.includes('host')) text += `\nh ${host}`;
    if (parts.includes('path')) text += `\np ${request.path}`;
    if (parts.includes('uri')) text += `\nu ${uriOf(request)}`;
    if (parts.includes('address')) text += `\na ${address}`;
    if (parts.includes('consumer')) text += `\nc ${consumer}`;
  }
  return hash('sha256', text, 'base64'); // at once costs half of what createHash does
}

function fieldsNamed(lines: string, names: readonly string[]): string {
  let named = '';
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start) + 2;
    if (names.includes(lines.slice(start, lines.indexOf(':', start)).toLowerCase())) named += lines.slice(start, end);
    start = end;
  }
  return named;
}
