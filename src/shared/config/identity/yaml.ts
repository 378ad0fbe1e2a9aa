import * as z from 'zod';
import { TOKEN_ALGORITHMS } from '../../identity/public-key.ts';
import { RULE_NAME, RULE_NAME_PHRASE } from '../limits/rule-name.ts';
import { BOUNDS, decimal, seconds, wholeNumber } from '../numbers.ts';
import { textLike } from '../parsed.ts';
import type { Parsed } from '../parsed.ts';
import { prioritySchema } from '../overload/yaml.ts';
import { oneOf } from '../parsers.ts';
import { AUTHENTICATION_METHODS } from '../words.ts';
import { flag, listOf, section } from '../yaml-fields.ts';
import { authorityFields, certificateSchema } from './certificates.ts';

const CONSUMER_PHRASE = 'a name of visible ASCII without comma, at most 128, that starts with a letter or digit';
export const consumerName = z.string(CONSUMER_PHRASE).regex(/^[A-Za-z0-9][!-+\--~]{0,127}$/, CONSUMER_PHRASE);
const GROUP_PHRASE = 'a word of visible ASCII without comma, at most 128';
const group = z.string(GROUP_PHRASE).regex(/^[!-+\--~]{1,128}$/, GROUP_PHRASE);
const profileName = z.string('the name of a profile').describe('Name of a profile.');
const CLAIM_PHRASE = 'the name of a claim';
const claim = z.string(CLAIM_PHRASE).regex(/^[!-~]{1,128}$/, CLAIM_PHRASE);
const fileName = z.string('a file name').min(1, 'a file name');

const SHA256_PHRASE = 'the SHA-256 of the key, 64 digits of lower-case hex';
const DATE_PHRASE = 'a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z';
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Milliseconds of the wall clock; a date is its first moment in UTC. */
export function parseMoment(text: string): Parsed<number> {
  const atMs = DATE.test(text) ? Date.parse(text) : Number.NaN;
  const isReal = new Date(atMs).toString() !== 'Invalid Date' && !rolledOver(text);
  return isReal ? { ok: true, value: atMs } : { ok: false, expected: DATE_PHRASE };
}

/** The 31st of June would be the 1st of July. */
function rolledOver(text: string): boolean {
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day;
}

const profileLimit = section({
  name: z
    .string(RULE_NAME_PHRASE)
    .regex(RULE_NAME, RULE_NAME_PHRASE)
    .optional()
    .describe('Name of the bucket; one limit of a profile has none.'),
  capacity: wholeNumber(BOUNDS.capacity).describe('Most tokens in the bucket, the burst; 0 refuses everything.'),
  refill_per_second: decimal(BOUNDS.refillPerSecond).describe('Tokens a second that come back.'),
});

export const profileSchema = section({
  limits: listOf(profileLimit.describe('One limit.'), 'a list of one or more limits').describe(
    'Token buckets of each consumer, over all routes; all must grant, and those of the route too.',
  ),
  max_in_flight: wholeNumber(BOUNDS.count)
    .optional()
    .describe('Most exchanges of one consumer under way, per node; above it 429. Default no limit.'),
  priority: prioritySchema
    .optional()
    .describe('Of its requests, on routes that say nothing themselves; default normal.'),
});

const key = section({
  id: z
    .string('a name')
    .regex(/^[\w.-]{1,64}$/, 'a name of letters, digits, ".", "_" and "-", at most 64')
    .describe('Name of the key, for people.'),
  sha256: z
    .string(SHA256_PHRASE)
    .regex(/^[0-9a-f]{64}$/, SHA256_PHRASE)
    .describe('SHA-256 of the key, in hex; the key itself is nowhere.'),
  expires: textLike(parseMoment, DATE_PHRASE).optional().describe('When it ends; default never.'),
  disabled: flag.optional().describe('It is refused; default false.'),
});

export const consumerSchema = section({
  profile: profileName.optional().describe('Profile of its limits; default what its credential says.'),
  groups: z.array(group.describe('One group.'), 'a list of groups').optional().describe('Groups it belongs to.'),
  disabled: flag.optional().describe('Whatever credential it has is refused; default false.'),
  keys: z.array(key.describe('One key.'), 'a list of keys').optional().describe('Its API keys.'),
  certificates: z
    .array(
      certificateSchema.describe('One certificate, or several that have this in common.'),
      'a list of certificates',
    )
    .optional()
    .describe('Its client certificates.'),
});

export const authoritySchema = section({
  ...authorityFields,
  profile: profileName.optional().describe('Profile of its consumers; default none.'),
  groups: z.array(group.describe('One group.'), 'a list of groups').optional().describe('Groups they belong to.'),
});

const ALGORITHM_PHRASE = `an algorithm with a public key: ${TOKEN_ALGORITHMS.join(', ')}`;

export const issuerSchema = section({
  issuer: z.string('a text').min(1, 'a text that is not empty').describe('Value of iss in its tokens.'),
  audience: z
    .array(z.string('a text').min(1, 'a text that is not empty').describe('One audience.'), 'a list of audiences')
    .optional()
    .describe('One of them must be in aud; default any.'),
  jwks_url: z
    .string('an https URL')
    .optional()
    .describe('Where its keys are fetched from; https, or http on this machine.'),
  jwks_file: fileName.optional().describe('File with its keys (a JWK set), instead; relative to this file.'),
  public_key_file: fileName.optional().describe('PEM file with its one key, instead; relative to this file.'),
  insecure: flag.optional().describe('Take keys over http from other machines; default false. Only for tests.'),
  algorithms: listOf(
    z.enum(TOKEN_ALGORITHMS, { error: ALGORITHM_PHRASE }).describe('One algorithm.'),
    'a list of one or more algorithms',
  )
    .optional()
    .describe('Algorithms of signatures that are taken; default RS256, ES256 and EdDSA.'),
  clock_skew_seconds: seconds(BOUNDS.clockSkewSeconds, 'not at all')
    .optional()
    .describe('How far its clock may differ; default 30.'),
  require_exp: flag.optional().describe('Refuse tokens that never end; default true.'),
  typ: z
    .string('a text')
    .min(1, 'a text that is not empty')
    .optional()
    .describe("Value of typ in a token's header; default any."),
  consumer: z
    .string('claim:NAME')
    .regex(/^claim:[!-~]{1,128}$/, 'claim:NAME')
    .optional()
    .describe('What names the consumer: claim:NAME; default claim:sub.'),
  profile: profileName.optional().describe('Profile of its consumers where the token says none; default none.'),
  profile_claim: claim.optional().describe('Claim that names the profile.'),
  groups_claim: claim.optional().describe('Claim with the groups: a list, or a text with blanks between.'),
});

const allow = section({
  groups: listOf(group.describe('One group.'), 'a list of one or more groups')
    .optional()
    .describe('The consumer must be in one of them.'),
  scopes: listOf(group.describe('One scope.'), 'a list of one or more scopes')
    .optional()
    .describe('Its token must have one of them.'),
  consumers: listOf(consumerName.describe('One consumer.'), 'a list of one or more consumers')
    .optional()
    .describe('It must be one of them.'),
});

/** The keys of a route that say who may use it. */
export const ROUTE_IDENTITY_FIELDS = {
  authenticate: z
    .array(oneOf(AUTHENTICATION_METHODS).describe('One way.'), 'a list of ways')
    .optional()
    .describe(
      'How clients prove who they are: api_key, jwt, certificate; the first that a request has names its consumer. Without a ' +
        'good credential 401. [] = not at all, the default.',
    ),
  anonymous: flag
    .optional()
    .describe('Requests without a credential pass, those with a wrong one do not; default false.'),
  authenticate_query: z
    .string('the name of a query parameter')
    .regex(/^[A-Za-z0-9._~-]{1,64}$/, 'a name of letters, digits, ".", "_", "~" and "-", at most 64')
    .optional()
    .describe('Query parameter that the credential may stand in; it is taken out of what is forwarded. Default none.'),
  forward_credentials: flag.optional().describe('The upstream gets the credential too; default false.'),
  allow: allow
    .optional()
    .describe('Who may use the route: all that is said must hold, else 403. Default everybody known.'),
} as const;

/** Sections of the file about who calls. */
export const IDENTITY_SECTIONS = {
  profiles: z
    .record(
      z.string(RULE_NAME_PHRASE).regex(RULE_NAME, RULE_NAME_PHRASE),
      profileSchema.describe('One profile.'),
      'a mapping of names to profiles',
    )
    .optional()
    .describe('Limits of consumers by name; iot, web and partner are there without being defined.'),
  consumers: z
    .record(consumerName, consumerSchema.describe('One consumer.'), 'a mapping of names to consumers')
    .optional()
    .describe('Who calls, by name.'),
  issuers: z
    .record(
      z.string(RULE_NAME_PHRASE).regex(RULE_NAME, RULE_NAME_PHRASE),
      issuerSchema.describe('One issuer.'),
      'a mapping of names to issuers',
    )
    .optional()
    .describe('Who issues tokens (JWT), by name.'),
  authorities: z
    .record(
      z.string(RULE_NAME_PHRASE).regex(RULE_NAME, RULE_NAME_PHRASE),
      authoritySchema.describe('One authority.'),
      'a mapping of names to authorities',
    )
    .optional()
    .describe('Whose client certificates are those that no consumer names; the first that fits.'),
} as const;

export type ProfileYaml = z.infer<typeof profileSchema>;
export type ConsumerYaml = z.infer<typeof consumerSchema>;
export type AuthorityYaml = z.infer<typeof authoritySchema>;
export type IssuerYaml = z.infer<typeof issuerSchema>;
