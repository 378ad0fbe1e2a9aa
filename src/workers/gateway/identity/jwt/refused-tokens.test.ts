import { expect, test } from 'vitest';
import { RefusedTokens } from './refused-tokens.ts';

test('each reason gets a line a minute, with how often it was', () => {
  const lines: unknown[] = [];
  const clock = { ms: 0 };
  const refused = new RefusedTokens({ warn: (line: unknown) => void lines.push(line) }, () => clock.ms);
  for (let i = 0; i < 1_000; i++) refused.note('signature', 'main');
  refused.note('key', 'main');
  clock.ms = 60_000;
  refused.note('signature', 'main');
  expect(lines).toEqual([
    { issuer: 'main', refused: 1 },
    { issuer: 'main', refused: 1 },
    { issuer: 'main', refused: 1_000 },
  ]);
});
