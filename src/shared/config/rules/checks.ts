import type { YamlProblem } from '../yaml-problems.ts';
import { checkAnswers } from './answer-checks.ts';
import { checkCors } from './cors.ts';
import { checkFieldRules } from './field-checks.ts';
import { checkIp } from './ip.ts';
import { checkMatch } from './match-checks.ts';
import type { RouteParts } from './parts.ts';
import { checkRewrite } from './rewrite-checks.ts';

/** What is wrong with the rules of a route. What kind of value a key has is the schema's to say. */
export const checkRules = (route: RouteParts): readonly YamlProblem[] => [
  ...checkAnswers(route),
  ...checkMatch(route),
  ...checkRewrite(route),
  ...checkFieldRules(route),
  ...checkIp(route.good, route.path),
  ...checkCors(route.good, route.path),
];
