/** The name of a bucket in Redis keys and in RateLimit fields. */
export const RULE_NAME_PHRASE =
  'a name of lower-case letters, digits and "-", at most 32, that starts with a letter or digit';
export const RULE_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** The name of a route's one limit when it has none: the route's, in lower case, with `-` for what a rule cannot have. */
export const ruleNameOf = (routeName: string): string =>
  routeName
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
    .replaceAll(/^-+|-+$/g, '');

const OF_MESSAGES = '-messages';

/** The same of the one limit of a route's messages. */
export const messageRuleNameOf = (routeName: string): string =>
  ruleNameOf(routeName).slice(0, 32 - OF_MESSAGES.length) + OF_MESSAGES;
