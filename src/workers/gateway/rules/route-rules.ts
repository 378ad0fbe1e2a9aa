import type { RouteRulesConfig } from '../../../shared/config/rules/types.ts';
import type { RouteConfig } from '../../../shared/config/types.ts';
import { forwardPath } from '../../../shared/http/router.ts';
import { FieldFilter } from './field-filter.ts';
import { FieldLines, FieldRules } from './field-rules.ts';
import { CORS_FIELDS, CorsRules } from './cors-rules.ts';
import { IpRules } from '../../../shared/net/ip-rules.ts';
import { compileDetour } from './detour.ts';
import type { Detour } from './detour.ts';
import { compileRewrite } from './rewrite.ts';
import type { Rewrite } from './rewrite.ts';
import { compileAnswer } from './rule-answer.ts';
import type { RuleAnswer } from './rule-answer.ts';

/** What a route does beside forwarding, ready to be done. Each part is `undefined` where the route has none of it. */
export interface RouteRules {
  /** In place of an upstream. */
  readonly answer: RuleAnswer | undefined;
  /** Sends some requests elsewhere, before anything else is done with them. */
  readonly detour: Detour | undefined;
  readonly ip: IpRules | undefined;
  readonly cors: CorsRules | undefined;
  readonly pathOf: Rewrite;
  /** Of what goes to the upstream. */
  readonly requestFields: FieldRules | undefined;
  /** What an upstream's answer loses. */
  readonly answerFilter: FieldFilter | undefined;
  /** What it gets. */
  readonly answerLines: FieldLines | undefined;
  /** What an answer of the gateway's own gets. */
  readonly ownAnswerLines: FieldLines | undefined;
}

/** They speak of the body that an answer has; one of the gateway's own has another. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  'accept-ranges',
  'allow',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'location',
  'retry-after',
  'www-authenticate',
]);

/** @returns `undefined` for a route that only forwards */
export function compileRules({ rules }: RouteConfig): RouteRules | undefined {
  if (rules === undefined) return undefined;
  const { answer, cors, detour, ip, rewrite, requestHeaders, responseHeaders } = rules;
  const answerFields = responseHeaders === undefined ? undefined : new FieldRules(responseHeaders);
  const own = [...(responseHeaders?.set ?? []), ...(responseHeaders?.add ?? [])].filter(
    ({ name }) => !OF_THE_BODY.has(name),
  );
  return {
    answer: answer === undefined ? undefined : compileAnswer(answer),
    detour: detour === undefined ? undefined : compileDetour(detour),
    ip: ip === undefined ? undefined : new IpRules(ip),
    cors: cors === undefined ? undefined : new CorsRules(cors),
    pathOf: rewrite === undefined ? forwardPath : compileRewrite(rewrite),
    requestFields: requestHeaders === undefined ? undefined : new FieldRules(requestHeaders),
    answerFilter: answerFilterOf(rules),
    answerLines: answerFields?.lines,
    ownAnswerLines: answerFields === undefined ? undefined : new FieldLines(own),
  };
}

/** Where the gateway says which pages may, what the upstream says of it has no place beside that. */
function answerFilterOf({ cors, responseHeaders }: RouteRulesConfig): FieldFilter | undefined {
  const { set = [], remove = [] } = responseHeaders ?? {};
  const names = [...set.map(({ name }) => name), ...remove, ...(cors === undefined ? [] : CORS_FIELDS)];
  return names.length === 0 ? undefined : new FieldFilter(names);
}
