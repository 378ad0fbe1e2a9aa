import { withDefault, optional } from '../env-variable.ts';
import { allowlist, clientKey } from './parsers.ts';
import { BOUNDS, numberText, wholeNumberText } from '../numbers.ts';
import { onOff, oneOf } from '../parsers.ts';
import { SHIPPED_PROFILE_NAMES } from '../identity/profiles.ts';
import { HEADER_MODES, ON_STORE_FAILURE } from '../words.ts';

/** Variables of the rate limits. */
export const LIMITS_ENV = {
  RATE_LIMIT_CAPACITY: withDefault(
    wholeNumberText(BOUNDS.capacity),
    '1000',
    'Most tokens in the bucket of a client, the burst; 0 refuses everything. Routes of the YAML without limits of ' +
      'their own are limited only if this or RATE_LIMIT_REFILL_RATE is set.',
  ),
  RATE_LIMIT_REFILL_RATE: withDefault(
    numberText(BOUNDS.refillPerSecond),
    '100',
    'Tokens a second that come back; fractions such as 0.1 work.',
  ),
  RATE_LIMIT_PROFILE: optional(
    oneOf(SHIPPED_PROFILE_NAMES),
    'The numbers of a profile in place of the two above: iot (10000, 1000 a second), web (1000, 100) or partner (500, 50).',
  ),
  RATE_LIMIT_KEY: withDefault(
    clientKey,
    'ip',
    'What names a client: consumer (who has proved who he is, on routes that authenticate), ip, bearer or basic (the ' +
      'credentials in Authorization, hashed), header:NAME (hashed), header-plain:NAME, or several with commas: the first ' +
      'one that a request has. Where a route authenticates the default is consumer,ip. None but consumer is verified, so ' +
      'whoever sends another value each time is another client each time. A field that names clients may stand in a request once, ' +
      'and not in Connection: else 400.',
  ),
  RATE_LIMIT_IPV6_PREFIX: withDefault(
    wholeNumberText(BOUNDS.ipv6Prefix),
    '64',
    'Leading bits of an IPv6 address that are one client.',
  ),
  RATE_LIMIT_ON_STORE_FAILURE: withDefault(
    oneOf(ON_STORE_FAILURE),
    'local',
    "Without Redis: local limits by this process's share, open lets pass, closed answers 503.",
  ),
  RATE_LIMIT_ALLOWLIST: optional(
    allowlist,
    'Addresses, CIDR blocks and client keys, comma-separated, that are never limited; default none.',
  ),
  RATE_LIMIT_SHADOW: withDefault(onOff, 'off', 'Decide, count and log, but let pass.'),
  RATE_LIMIT_HEADERS: withDefault(
    oneOf(HEADER_MODES),
    'both',
    "Fields of limited answers: draft (the IETF draft's RateLimit), legacy (X-RateLimit-*), both or off.",
  ),
  RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS: withDefault(
    wholeNumberText(BOUNDS.batchMicroseconds),
    '500',
    'How long requests gather while an earlier batch is on its way to Redis.',
  ),
  RATE_LIMIT_TIMEOUT_MILLISECONDS: withDefault(
    wholeNumberText(BOUNDS.limitMilliseconds),
    '10',
    'Longest wait for a decision while Redis is quick; then RATE_LIMIT_ON_STORE_FAILURE holds.',
  ),
  RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS: withDefault(
    wholeNumberText(BOUNDS.limitMilliseconds),
    '50',
    'The wait adapts to a slower Redis up to this (never less than RATE_LIMIT_TIMEOUT_MILLISECONDS): twice what 99 of ' +
      '100 round trips take. A Redis that takes longer is not asked.',
  ),
  RATE_LIMIT_MAX_CLIENTS: withDefault(
    wholeNumberText(BOUNDS.maxClients),
    '1000000',
    'Clients that may have buckets, counted approximately (in memory at most 4,000,000). Beyond it new ones share a bucket ' +
      'for each address. Also the buckets in which a node may owe tokens from the time Redis was away.',
  ),
  RATE_LIMIT_LEASE: withDefault(
    wholeNumberText(BOUNDS.lease),
    '0',
    'Tokens that a thread may take ahead for a busy client; 0 = off. Costs exactness: up to this many per thread.',
  ),
} as const;
