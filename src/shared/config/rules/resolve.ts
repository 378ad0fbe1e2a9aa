import type { EnvValues } from '../env-table.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { resolveCors } from './cors.ts';
import { resolveIp } from './ip.ts';
import { isDetour } from './parts.ts';
import type {
  DetourConfig,
  FieldRulesConfig,
  MatchConfig,
  NameValue,
  RewriteConfig,
  RouteAnswerConfig,
  RouteRulesConfig,
} from './types.ts';

type Values = Readonly<Record<string, string>> | undefined;

const listed = (values: Values): readonly NameValue[] =>
  Object.entries(values ?? {}).map(([name, value]) => ({ name, value }));

const fields = (values: Values): readonly NameValue[] =>
  listed(values).map(({ name, value }) => ({ name: name.toLowerCase(), value }));

/** @returns `undefined` where the route takes any request */
export function resolveMatch({ match }: RouteYaml): MatchConfig | undefined {
  return match === undefined ? undefined : { headers: fields(match.headers), query: listed(match.query) };
}

function resolveFields(rules: RouteYaml['request_headers']): FieldRulesConfig | undefined {
  if (rules === undefined) return undefined;
  const { set, add, remove = [] } = rules;
  return { set: fields(set), add: fields(add), remove: remove.map((name) => name.toLowerCase()) };
}

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text);

function resolveRewrite({ rewrite }: RouteYaml): RewriteConfig | undefined {
  if (rewrite === undefined) return undefined;
  const { prefix, pattern = '', to = '/' } = rewrite;
  return prefix === undefined ? { kind: 'pattern', pattern, to } : { kind: 'prefix', prefix: withoutSlash(prefix) };
}

/** Default Content-Type of a body by the key that gives it. */
const TYPES = { text: 'text/plain; charset=utf-8', json: 'application/json' } as const;

const TEMPORARY = 307;

function resolveDetour({ redirect }: RouteYaml): DetourConfig | undefined {
  if (redirect === undefined || !isDetour(redirect)) return undefined;
  const { pattern, to = '/', port = 443, status = TEMPORARY } = redirect;
  return pattern === undefined ? { kind: 'scheme', port, status } : { kind: 'pattern', pattern, to, status };
}

function resolveAnswer({ redirect, respond }: RouteYaml): RouteAnswerConfig | undefined {
  if (redirect !== undefined && !isDetour(redirect)) {
    const { to = '/', status = TEMPORARY, keep_path: keepPath = false } = redirect;
    return { kind: 'redirect', to: keepPath ? withoutSlash(to) : to, status, keepPath };
  }
  if (respond === undefined) return undefined;
  const { status = 200, text, json, body, type } = respond;
  const by = text === undefined ? (json === undefined ? undefined : 'json') : 'text';
  return {
    kind: 'respond',
    status,
    type: type ?? (by === undefined ? '' : TYPES[by]),
    text: text ?? body ?? (json === undefined ? '' : JSON.stringify(json)),
  };
}

/** @returns `undefined` where the route only forwards */
export function resolveRules(route: RouteYaml, env: EnvValues): RouteRulesConfig | undefined {
  const rules: RouteRulesConfig = {
    answer: resolveAnswer(route),
    detour: resolveDetour(route),
    ip: resolveIp(route, env),
    cors: resolveCors(route),
    rewrite: resolveRewrite(route),
    requestHeaders: resolveFields(route.request_headers),
    responseHeaders: resolveFields(route.response_headers),
  };
  return Object.values(rules).every((rule) => rule === undefined) ? undefined : rules;
}
