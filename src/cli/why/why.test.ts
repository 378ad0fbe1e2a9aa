import { describe, expect, test } from 'vitest';
import type { RefusalReason, WhyAnswer } from '../../shared/admin/why.ts';
import { render } from '../output/text.ts';
import { verdictOf, whyLines } from './why.ts';

const route = {
  route: 'default',
  rules: ['default'],
  cost: 1,
  wouldPass: true,
  refusedBy: null,
  retryAfterSeconds: 0,
  shadow: false,
};
const refused = { ...route, wouldPass: false, refusedBy: 'default', retryAfterSeconds: 2.5 };
const bucket = { rule: 'default', exists: true, tokens: 0, capacity: 10, refillPerSecond: 0.4, fullInSeconds: 25 };

const answer = (part: Partial<WhyAnswer>): WhyAnswer => ({
  client: '10.0.0.9',
  scope: 'cluster',
  allowlisted: false,
  profile: null,
  override: null,
  buckets: [bucket],
  routes: [route],
  known: true,
  wouldPass: true,
  consumer: null,
  address: null,
  reasons: [],
  ...part,
});
const reason: RefusalReason = {
  route: 'default',
  code: 'rate_limited',
  status: 429,
  certain: true,
  why: 'no token is left in its bucket default',
  todo: 'Wait.',
  retryAfterSeconds: 3,
};
const denied: RefusalReason = {
  ...reason,
  code: 'ip_not_allowed',
  status: 403,
  why: 'IP_DENY has 10.0.0.9',
  todo: 'Take it out of IP_DENY.',
  retryAfterSeconds: 0,
};
const maybe: RefusalReason = { ...denied, certain: false, why: 'it depends on where the request comes from: IP_DENY' };
const text = (part: Partial<WhyAnswer>): string =>
  whyLines(answer(part))
    .map((line) => render(line, false))
    .join('\n');

describe('why', () => {
  test.each<[string, Partial<WhyAnswer>, string]>([
    ['a bucket with tokens', {}, '10.0.0.9 passes.'],
    [
      'no bucket',
      { buckets: [{ ...bucket, exists: false, tokens: 10 }] },
      'passes: it has no bucket yet, so it is full.',
    ],
    ['an empty bucket', { routes: [refused], reasons: [reason] }, 'would be refused now.'],
    [
      'one of two routes',
      { routes: [refused, { ...route, route: 'b' }], reasons: [reason] },
      'would be refused on default.',
    ],
    ['a list of addresses', { reasons: [denied] }, 'would be refused now.'],
    ['one that it may be on', { reasons: [maybe] }, 'passes where its request brings what is said below.'],
    [
      'an exemption, which opens no list',
      { override: { state: 'EXEMPT', remainingSeconds: 90 }, reasons: [denied] },
      'would be refused now.',
    ],
    ['shadow', { routes: [{ ...refused, shadow: true }] }, 'passes.'],
    ['no limits', { routes: [{ ...route, rules: [] }], buckets: [] }, 'no route has a limit'],
    ['the allow-list', { allowlisted: true }, 'RATE_LIMIT_ALLOWLIST has it'],
    ['a ban', { override: { state: 'BANNED', remainingSeconds: 90 } }, 'banned for 1m 30s more'],
    ['an exemption', { override: { state: 'EXEMPT', remainingSeconds: 90 } }, 'exempt for 1m 30s more'],
  ])('%s: %s', (_what, part, words) => expect(verdictOf(answer(part)).text).toContain(words));

  test('says which rule refuses, what is left and when the next one passes', () => {
    expect(text({ routes: [refused], reasons: [reason] })).toMatch(/default +429 +default +in 2\.5s +1 +default/);
    expect(text({})).toMatch(/default +0 +10 +0\.4\/s +25s/);
  });

  test('a route that refuses because Redis is away answers 503', () => {
    const closed = { ...refused, refusedBy: null, retryAfterSeconds: 1 };
    expect(text({ routes: [closed] })).toMatch(/default +503 +Redis is away +in 1s/);
    expect(text({ routes: [{ ...refused, refusedBy: 'ban' }] })).toMatch(/default +403 +ban/);
  });

  test('says what refuses before limits are asked, on which routes, and what to do', () => {
    const both = [denied, { ...denied, route: 'b' }, reason];
    const told = text({ routes: [refused, { ...route, route: 'b' }], reasons: both });
    expect(told).toContain('403 ip_not_allowed on default, b: IP_DENY has 10.0.0.9.\nTake it out of IP_DENY.');
    expect(told).toMatch(/^default +403 +ip_not_allowed +1 +default$/m);
    expect(text({ reasons: [maybe] })).toMatch(/^default +it depends +ip_not_allowed/m);
    expect(text({ known: false })).toContain('Nothing is known of it yet');
  });

  test('says when it is only what one node sees', () => {
    expect(text({ scope: 'node' })).toContain('As this node sees it');
  });
});
