import { isCleanQuery, normalizePath } from '../../http/target.ts';
import type { Parsed } from '../parsed.ts';
import type { TargetConfig } from '../types.ts';
import { parseTarget } from '../upstreams/target-url.ts';

export const AUTHORIZER_URL_PHRASE = 'an http or https URL such as http://10.0.0.1:9000/check';
export const AUTHORIZER_PATH_PHRASE = 'a path such as /check, in normal form, with a query if it has one';
const LONGEST_PATH = 1_024;

export interface AuthorizerUrl {
  /** Without a base path. */
  readonly server: TargetConfig;
  /** Path and query, as they are sent. */
  readonly target: string;
}

/** What an authorizer is asked for: a path that starts with `/`, with a query if it has one. It is sent as it is. */
export function parseAuthorizerPath(text: string): Parsed<string> {
  const question = text.indexOf('?');
  const path = question === -1 ? text : text.slice(0, question);
  const ok =
    text.length <= LONGEST_PATH &&
    normalizePath(path) === path &&
    (question === -1 || isCleanQuery(text.slice(question + 1)));
  return ok ? { ok: true, value: text } : { ok: false, expected: AUTHORIZER_PATH_PHRASE };
}

/** `http://authz:9000/check?for=web`: unlike a target's URL it is whole, so its slash at the end and its query count. */
export function parseAuthorizerUrl(text: string): Parsed<AuthorizerUrl> {
  if (text.includes('#')) return { ok: false, expected: 'a URL without fragment' };
  const [, origin, rest = ''] = /^(https?:\/\/[^/?]*)(.*)$/is.exec(text) ?? [];
  if (origin === undefined) return { ok: false, expected: AUTHORIZER_URL_PHRASE };
  const server = parseTarget(origin);
  if (!server.ok)
    return server.expected.startsWith('an http') ? { ...server, expected: AUTHORIZER_URL_PHRASE } : server;
  const target = parseAuthorizerPath(rest.startsWith('/') ? rest : `/${rest}`);
  if (!target.ok) return { ok: false, expected: `a URL with ${target.expected}` };
  return { ok: true, value: { server: server.value, target: target.value } };
}
