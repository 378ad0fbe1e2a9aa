import { expect, it } from 'vitest';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import { runOf } from '../../shared/run.fixture.ts';
import { heavyLoad } from './load-weight.ts';

/** A thousand messages in a second: 0.001 cores are one microsecond each. */
function run(subject: string, totalUs: number, loadUs: number): MeasuredRun {
  const plain = runOf(subject, 1, { totalUs });
  return { ...plain, load: { ...plain.load, busyCores: loadUs / 1000 } };
}

it('is content with a load that needs at most four fifths of what the subject does', () => {
  expect(heavyLoad([run('a', 10, 8)], 'a')).toBeUndefined();
  expect(heavyLoad([run('a', 10, 8), run('b', 10, 20)], 'a')).toBeUndefined();
});

it('says by how much it was not lighter', () => {
  expect(heavyLoad([run('a', 10, 9)], 'a')).toBe(
    'a: the load generator needed 9.0 µs a message, it 10.0 µs: not clearly lighter',
  );
});

it('leaves runs that are not used out', () => {
  expect(heavyLoad([{ ...run('a', 10, 20), problems: ['lost'] }], 'a')).toBeUndefined();
});
