import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerText, ask, requestText } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { freshPath } from './setup.ts';

const UPSTREAMS = [
  'X-RateLimit-Limit: 999',
  'X-RateLimit-Remaining: 998',
  'x-rate-limit-reset: 997',
  'RateLimit: "u";r=996',
  'RateLimit-Policy: "u";q=995',
  'RateLimit-Remaining: 994',
  'X-Rate: 7',
  'Retry-After: 5',
];
const LIMITED = { RATE_LIMIT_ALLOWLIST: '', RATE_LIMIT_CAPACITY: '50', RATE_LIMIT_REFILL_RATE: '0.000001' };

describeFronts('an upstream that has limits of its own', (front) => {
  let pairs: Record<string, Pair>;
  beforeAll(async () => {
    const modes = ['both', 'draft', 'legacy', 'off'];
    const started = modes.map((mode) => startPair({ front, env: { ...LIMITED, RATE_LIMIT_HEADERS: mode } }));
    pairs = Object.fromEntries((await Promise.all(started)).map((pair, i) => [modes[i] ?? '', pair]));
  });
  afterAll(async () => {
    for (const pair of Object.values(pairs)) await pair[Symbol.asyncDispose]();
  });

  test.each([
    ['both', [7, 5]],
    ['draft', [999, 998, 997, 7, 5]],
    ['legacy', [996, 995, 994, 7, 5]],
    ['off', [999, 998, 997, 996, 995, 994, 7, 5]],
  ])('RATE_LIMIT_HEADERS=%s: ours take the place of its own', async (mode, kept) => {
    const pair = pairs[mode] as Pair;
    const path = freshPath();
    pair.answers.set(path, () => answerText('', ['A: 1', ...UPSTREAMS, 'B: 2']));
    // The second head is one that was seen before.
    for (let i = 0; i < 3; i++) {
      const { fields } = await ask(pair.port, requestText('GET', `/proxy${path}`));
      const theirs = fields.flatMap(([, value]) => /\b99[4-9]$|^[57]$/.exec(value)?.slice(0, 1).map(Number) ?? []);
      expect(theirs).toEqual(kept);
      const names = fields.map(([name]) => name.toLowerCase());
      expect(names.filter((name) => name === 'x-ratelimit-remaining' || name === 'ratelimit')).toHaveLength(2);
      expect(names).toEqual(expect.arrayContaining(['a', 'b']));
    }
  });

  test('it is passed on where nothing is limited', async () => {
    const pair = await startPair({ front });
    const path = freshPath();
    pair.answers.set(path, () => answerText('', UPSTREAMS));
    const { fields } = await ask(pair.port, requestText('GET', `/proxy${path}`));
    await pair[Symbol.asyncDispose]();
    expect(fields).toEqual(expect.arrayContaining([['X-RateLimit-Remaining', '998']]));
  });
});
