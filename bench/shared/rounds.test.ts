import { expect, it } from 'vitest';
import { alternate } from './rounds.ts';

it('warms each up once, then takes turns', async () => {
  const done: string[] = [];
  const seen = await alternate({
    rounds: 2,
    subjects: ['a', 'b'],
    warmUp: (subject) => Promise.resolve(done.push(`warm ${subject}`)),
    run: (subject, round) => {
      done.push(`${subject}${round}`);
      return Promise.resolve(done.length);
    },
  });
  expect(done).toEqual(['warm a', 'warm b', 'a1', 'b1', 'a2', 'b2']);
  expect(seen.at(-1)).toEqual({ subject: 'b', round: 2, value: 6 });
});
