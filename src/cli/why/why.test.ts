import { describe, expect, test } from 'vitest';
import type { ClientLimitsAnswer } from '../../shared/admin/limits.ts';
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

const answer = (part: Partial<ClientLimitsAnswer>): ClientLimitsAnswer => ({
  client: '10.0.0.9',
  scope: 'cluster',
  allowlisted: false,
  profile: null,
  override: null,
  buckets: [bucket],
  routes: [route],
  ...part,
});
const text = (part: Partial<ClientLimitsAnswer>): string =>
  whyLines(answer(part))
    .map((line) => render(line, false))
    .join('\n');

describe('why', () => {
  test.each<[string, Partial<ClientLimitsAnswer>, string]>([
    ['a bucket with tokens', {}, '10.0.0.9 passes.'],
    [
      'no bucket',
      { buckets: [{ ...bucket, exists: false, tokens: 10 }] },
      'passes: it has no bucket yet, so it is full.',
    ],
    ['an empty bucket', { routes: [refused] }, 'would be refused now.'],
    ['one of two routes', { routes: [refused, { ...route, route: 'b' }] }, 'would be refused on default.'],
    ['shadow', { routes: [{ ...refused, shadow: true }] }, 'passes.'],
    ['no limits', { routes: [{ ...route, rules: [] }], buckets: [] }, 'no route has a limit'],
    ['the allow-list', { allowlisted: true }, 'RATE_LIMIT_ALLOWLIST has it'],
    ['a ban', { override: { state: 'BANNED', remainingSeconds: 90 } }, 'banned for 1m 30s more'],
    ['an exemption', { override: { state: 'EXEMPT', remainingSeconds: 90 } }, 'exempt for 1m 30s more'],
  ])('%s: %s', (_what, part, words) => expect(verdictOf(answer(part)).text).toContain(words));

  test('says which rule refuses, what is left and when the next one passes', () => {
    expect(text({ routes: [refused] })).toMatch(/default +429 +default +in 2\.5s +1 +default/);
    expect(text({})).toMatch(/default +0 +10 +0\.4\/s +25s/);
  });

  test('a route that refuses because Redis is away answers 503', () => {
    const closed = { ...refused, refusedBy: null, retryAfterSeconds: 1 };
    expect(text({ routes: [closed] })).toMatch(/default +503 +Redis is away +in 1s/);
    expect(text({ routes: [{ ...refused, refusedBy: 'ban' }] })).toMatch(/default +403 +ban/);
  });

  test('says when it is only what one node sees', () => {
    expect(text({ scope: 'node' })).toContain('As this node sees it');
  });
});
