import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DIFFERENCES, expectDifference } from './differences.ts';

const rules = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts') && name !== 'differences.test.ts')
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
  .join('\n');

const holds = (): void => {};
const fails = async (): Promise<void> => {
  throw new Error('it does not');
};

describe('the list of differences', () => {
  it.each(DIFFERENCES)('$id on $front is the difference of a rule, and listed once', ({ id, front }) => {
    expect(rules).toContain(`'${id}'`);
    expect(DIFFERENCES.filter((each) => each.id === id && each.front === front)).toHaveLength(1);
  });

  it('what is listed has to fail on that front, and to hold on the other', async () => {
    await expectDifference('pipelining', 'uws', fails);
    await expectDifference('pipelining', 'native', holds);
    await expect(expectDifference('pipelining', 'uws', holds)).rejects.toThrow('take pipelining off the list');
    await expect(expectDifference('pipelining', 'native', fails)).rejects.toThrow('it does not');
  });

  it('what is not listed has to hold everywhere', async () => {
    for (const front of ['native', 'uws'] as const) {
      await expectDifference('anything else', front, holds);
      await expect(expectDifference('anything else', front, fails)).rejects.toThrow('it does not');
    }
  });
});
