import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../shared/errors.ts';
import { gateway } from '../main.fixture.ts';

test('every code has its status and what to do, without a gateway', async () => {
  for (const code of ERROR_CODES) {
    const { code: ended, out } = await gateway(['explain', code]);
    expect(ended).toBe(0);
    expect(out).toMatch(new RegExp(`^[45]\\d\\d ${code}: .+\nClient: +\\S.+\nOperator: \\S.+$`));
  }
  const { out } = await gateway(['explain', 'circuit_open', '--json']);
  expect(JSON.parse(out)).toMatchObject({ code: 'circuit_open', status: 503 });
});

test('a code that there is not ends with 1 and names the nearest', async () => {
  const { code, out, err } = await gateway(['explain', 'circuit-open']);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('Did you mean circuit_open?');
});
