import { describe, expect, it } from 'vitest';
import { openFilesOf, portsPerAddress, stepsOf } from './steps.ts';

describe('stepsOf', () => {
  it.each([
    [undefined, 20_000, [1000, 5000, 10_000, 15_000], false],
    [7000, 20_000, [1000, 5000, 7000], false],
    [5000, 20_000, [1000, 5000], false],
    [10, 20_000, [10], false],
    [40_000, 50_000, [1000, 5000, 10_000, 15_000, 40_000], false],
    [undefined, 4096, [1000, 3596], true],
    [40_000, 20_000, [1000, 5000, 10_000, 15_000, 19_500], true],
  ])('%s wished, %d open files', (...[connections, openFiles, counts, capped]) => {
    const steps = stepsOf({ connections, miniature: false }, openFiles);
    expect(steps.counts).toEqual(counts);
    expect(steps.capped !== undefined).toBe(capped);
  });

  it('needs some descriptors', () => {
    expect(() => stepsOf({ connections: undefined, miniature: false }, 256)).toThrow('ulimit');
  });
});

it('reads the soft limit of open files', () => {
  const limits = 'Max processes             96000                96000                processes\n';
  expect(openFilesOf(`${limits}Max open files            20000                30000                files\n`)).toBe(
    20_000,
  );
  expect(openFilesOf(`${limits}Max open files            unlimited            unlimited            files\n`)).toBe(1e6);
});

it('leaves ports to others', () => {
  expect(portsPerAddress('32768\t60999\n')).toBe(21_174);
});
